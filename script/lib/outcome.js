// How a script says what should become of a run that did not succeed.
(function (use, native) {
  'use strict';
  class Retry extends Error {
    constructor(after, message) {
      super(message === undefined ? 'not now' : String(message));
      this.after = native.milliseconds(after);
    }
  }
  class Permanent extends Error {}
  for (const C of [Retry, Permanent]) {
    Object.defineProperty(C.prototype, 'name', { value: C.name, writable: true, configurable: true });
  }
  return { Retry, Permanent };
});
