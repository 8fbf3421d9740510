import './onbill.js';
import type { PayOnBillElement } from './onbill.js';

export type * from './onbill.js';

export interface LoadOptions {
  /** The script's address, where it is not that of the newest version: `url` of `/widget/v1/onbill.json`. */
  src?: string;
  /** `integrity` of `/widget/v1/onbill.json`; with `src`. */
  integrity?: string;
  /** The nonce of the page's Content-Security-Policy, where it has one for scripts. */
  nonce?: string;
}

/**
 * Adds the script of an edge to the page, once, and answers when `<pay-on-bill>` is defined. It is rejected when the script
 * cannot be loaded; the next call tries again.
 */
export function loadPayOnBill(edge: string, options?: LoadOptions): Promise<new () => PayOnBillElement>;
