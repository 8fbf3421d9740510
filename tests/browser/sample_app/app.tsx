// An operator's page as its own team would write it: React in strict mode, bundled, with the npm package.

import { StrictMode, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import type { PayOnBillElement } from '@onbill/widget';
import { PayOnBill } from '@onbill/widget/react';

const edge = document.body.dataset['edge'] ?? '';

function Page() {
  const [events, setEvents] = useState<string[]>([]);
  const [offer, setOffer] = useState('netflix-standard');
  const element = useRef<PayOnBillElement>(null);
  const note = (text: string) => setEvents(before => [...before, text]);
  return (
    <main>
      <PayOnBill
        edge={edge} operator="acme" offer={offer} locale="en" elementRef={element}
        onReady={() => note('ready')}
        onStep={({ detail }) => note(`step ${detail.step}`)}
        onSuccess={({ detail }) => note(`success ${detail.outcome}`)}
        onError={({ detail }) => note(`error ${detail.code}`)}
      />
      <button type="button" id="other" onClick={() => setOffer('none')}>Another offer</button>
      <button type="button" id="reset" onClick={() => element.current?.reset()}>Begin anew</button>
      <ol id="events">{events.map((event, at) => <li key={at}>{event}</li>)}</ol>
    </main>
  );
}

createRoot(document.getElementById('root') ?? document.body).render(<StrictMode><Page /></StrictMode>);
