// The types of <pay-on-bill>. What each attribute, event and code means is in docs/widget/README.md of onbill.

/** A step of the customer's, in the order of the journey. */
export type PayOnBillStep =
  | 'number' | 'challenge' | 'pin' | 'confirm' | 'opening'
  | 'success' | 'pending' | 'cancelled'
  | 'account' | 'unlink' | 'unlinked';

/** Why the widget cannot be shown. It is the integrator's to mend. */
export type PayOnBillRefusal =
  | 'attribute-missing' | 'operator-not-served' | 'offer-not-served' | 'view-not-served' | 'page-not-listed'
  | 'return-url-not-listed' | 'return-url-taken' | 'frame-unavailable'
  | 'lacks-allow-forms' | 'lacks-allow-same-origin' | 'lacks-allow-top-navigation';

/** Why a step did not succeed. The customer has been told, and has a way on. */
export type PayOnBillFailure =
  | 'invalid-request' | 'number-foreign' | 'account-not-found' | 'account-not-eligible' | 'suspended-non-payment' | 'insufficient-balance'
  | 'already-on-bill' | 'signups-closed' | 'pin-invalid' | 'pin-expired' | 'token-invalid' | 'token-expired' | 'too-many-requests'
  | 'service-unavailable' | 'partner-unavailable' | 'challenge-required' | 'challenge-unavailable'
  | 'network' | 'timeout' | 'internal-error' | 'unexpected';

/** A signed assertion of the dashboard's, or what fetches a fresh one. `null`: there is none. */
export type PayOnBillSession = string | null | (() => string | null | undefined | Promise<string | null | undefined>);

/** A later release may have more codes and steps than these types know. */
type OrNewer<Known extends string> = Known | (string & {});

export interface PayOnBillEventMap {
  /** The frame is there. */
  ready: CustomEvent<Record<string, never>>;
  /** The customer sees another step. */
  step: CustomEvent<{ step: OrNewer<PayOnBillStep> }>;
  /** The customer is back, and sees how it ended. `result` is signed: the dashboard's server checks it. */
  success: CustomEvent<{ outcome: 'success' | 'pending'; result: string }>;
  /** Something failed. It does not bubble. */
  error: CustomEvent<{ code: OrNewer<PayOnBillRefusal | PayOnBillFailure> }>;
  /** The customer is done. The element hides itself, unless the event is cancelled. */
  exit: CustomEvent<Record<string, never>>;
}

/** The attributes as properties: `''` where there is none. */
export interface PayOnBillElement extends HTMLElement {
  operator: string;
  offer: string;
  view: '' | 'account';
  locale: string;
  returnUrl: string;
  session: PayOnBillSession;

  /** Begins anew, in a new frame. */
  reset(): void;
  /** Takes the frame away. `reset()`, or putting the element into the page again, brings it back. */
  destroy(): void;

  addEventListener<Type extends keyof PayOnBillEventMap>(
    type: Type, listener: (this: PayOnBillElement, event: PayOnBillEventMap[Type]) => void, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof PayOnBillEventMap>(
    type: Type, listener: (this: PayOnBillElement, event: PayOnBillEventMap[Type]) => void, options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'pay-on-bill': PayOnBillElement;
  }
}
