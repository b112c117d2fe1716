// AbortController and AbortSignal.
(function (use, native) {
  'use strict';

  class DOMException extends Error {
    constructor(message = '', name = 'Error') {
      super(message);
      Object.defineProperty(this, 'name', { value: name, writable: true, configurable: true });
    }
  }

  const make = {}; // lets only this file make and abort signals

  class AbortSignal {
    #aborted = false;
    #reason = undefined;
    #listeners = [];
    onabort = null;
    constructor(key) {
      if (key !== make) throw new TypeError('Illegal constructor');
    }
    get aborted() { return this.#aborted; }
    get reason() { return this.#reason; }
    throwIfAborted() {
      if (this.#aborted) throw this.#reason;
    }
    addEventListener(type, listener, options) {
      if (type === 'abort' && listener) this.#listeners.push({ listener, once: Boolean(options && options.once) });
    }
    removeEventListener(type, listener) {
      this.#listeners = this.#listeners.filter((entry) => entry.listener !== listener);
    }
    dispatchEvent(event) {
      const listeners = this.#listeners;
      this.#listeners = listeners.filter((entry) => !entry.once);
      if (typeof this.onabort === 'function') this.onabort(event);
      for (const { listener } of listeners) {
        if (typeof listener === 'function') listener.call(this, event);
        else listener.handleEvent(event);
      }
      return true;
    }
    static _abort(key, signal, reason) {
      if (key !== make || signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason === undefined ? new DOMException('This operation was aborted', 'AbortError') : reason;
      signal.dispatchEvent({ type: 'abort', target: signal });
    }
    static abort(reason) {
      const signal = new AbortSignal(make);
      abort(make, signal, reason);
      return signal;
    }
    static timeout(ms) {
      const signal = new AbortSignal(make);
      native.timeout(() => abort(make, signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')), ms);
      return signal;
    }
    static any(signals) {
      const joined = new AbortSignal(make);
      for (const signal of signals) {
        if (signal.aborted) abort(make, joined, signal.reason);
        else signal.addEventListener('abort', () => abort(make, joined, signal.reason));
      }
      return joined;
    }
  }
  const abort = AbortSignal._abort;
  delete AbortSignal._abort;

  class AbortController {
    #signal = new AbortSignal(make);
    get signal() { return this.#signal; }
    abort(reason) { abort(make, this.#signal, reason); }
  }

  return { AbortController, AbortSignal, DOMException };
});
