import type { HTMLAttributes, ReactElement, Ref } from 'react';
import type { LoadOptions } from './index.js';
import type { PayOnBillElement, PayOnBillEventMap, PayOnBillSession } from './onbill.js';

type Replaced = 'onError';

export interface PayOnBillProps extends LoadOptions, Omit<HTMLAttributes<HTMLElement>, Replaced> {
  /** The address of the edge, such as `https://pay.example.com`. */
  edge: string;
  operator: string;
  offer?: string;
  view?: 'account';
  locale?: string;
  returnUrl?: string;
  /** Keep a function the same between renders (`useCallback`): a new one is asked at once. */
  session?: PayOnBillSession;
  /** The element, for `reset()`, `destroy()` and `focus()`. */
  elementRef?: Ref<PayOnBillElement>;
  onReady?(event: PayOnBillEventMap['ready']): void;
  onStep?(event: PayOnBillEventMap['step']): void;
  onSuccess?(event: PayOnBillEventMap['success']): void;
  onError?(event: PayOnBillEventMap['error']): void;
  onExit?(event: PayOnBillEventMap['exit']): void;
}

export function PayOnBill(props: PayOnBillProps): ReactElement;
