// What scripts use of the module util of Node.
(function (use, native) {
  'use strict';
  const { TextEncoder, TextDecoder } = use('text');

  function promisify(f) {
    if (typeof f !== 'function') throw new TypeError('promisify takes a function');
    return function (...args) {
      return new Promise((resolve, reject) => {
        f.call(this, ...args, (error, value) => (error ? reject(error) : resolve(value)));
      });
    };
  }

  function callbackify(f) {
    return function (...args) {
      const callback = args.pop();
      f.apply(this, args).then((value) => native.call(callback, null, value), (error) => native.call(callback, error));
    };
  }

  function inherits(constructor, parent) {
    constructor.super_ = parent;
    Object.setPrototypeOf(constructor.prototype, parent.prototype);
  }

  return {
    format: (...args) => native.format(...args),
    inspect: (value) => native.format(value),
    promisify,
    callbackify,
    inherits,
    isArray: Array.isArray,
    TextEncoder,
    TextDecoder,
  };
});
