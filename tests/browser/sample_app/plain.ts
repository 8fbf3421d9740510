// What the types hold without React. Never run: it is compiled.

import { loadPayOnBill } from '@onbill/widget';
import type { PayOnBillElement } from '@onbill/widget';

export async function show(into: HTMLElement): Promise<PayOnBillElement> {
  await loadPayOnBill('https://pay.example.com', { nonce: 'abc' });
  const element = document.createElement('pay-on-bill');
  element.operator = 'acme';
  element.view = 'account';
  element.session = async () => (await fetch('/session')).text();
  element.addEventListener('success', ({ detail }) => console.log(detail.outcome, detail.result));
  element.addEventListener('error', ({ detail }) => { if (detail.code === 'page-not-listed') element.destroy(); });
  element.addEventListener('click', event => event.preventDefault());
  // @ts-expect-error There is no such view.
  element.view = 'bill';
  into.append(element);
  return element;
}
