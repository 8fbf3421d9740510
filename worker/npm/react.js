import { createElement, useEffect, useRef } from 'react';
import { loadPayOnBill } from './index.js';

const EVENTS = { ready: 'onReady', step: 'onStep', success: 'onSuccess', error: 'onError', exit: 'onExit' };

/** `<pay-on-bill>` as a component. Its events are listened to by hand: React 18 knows none of an element's own. */
export function PayOnBill({ edge, src, integrity, nonce, session = null, operator, offer, view, locale, returnUrl, elementRef, ...rest }) {
  const own = useRef(null);
  const handlers = useRef({});
  const others = {};
  const given = {};
  for (const [name, value] of Object.entries(rest)) {
    (Object.values(EVENTS).includes(name) ? given : others)[name] = value;
  }
  handlers.current = given;

  useEffect(() => {
    loadPayOnBill(edge, { src, integrity, nonce }).catch(() => {
      handlers.current.onError?.(new CustomEvent('error', { detail: { code: 'frame-unavailable' } }));
    });
  }, [edge, src, integrity, nonce]);

  useEffect(() => {
    const element = own.current;
    const listening = new AbortController();
    for (const [type, name] of Object.entries(EVENTS)) {
      element.addEventListener(type, event => handlers.current[name]?.(event), { signal: listening.signal });
    }
    return () => listening.abort();
  }, []);

  useEffect(() => { own.current.session = session; }, [session]);

  const ref = element => {
    own.current = element;
    if (typeof elementRef === 'function') elementRef(element);
    else if (elementRef) elementRef.current = element;
  };
  return createElement('pay-on-bill', { ...others, operator, offer, view, locale, 'return-url': returnUrl, ref });
}
