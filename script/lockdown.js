// Freezes everything that scripts of one runtime share. Freezing a prototype also forbids assigning a property of the
// same name to what inherits from it, which ordinary scripts do (obj.toString = …, err.name = …): such properties
// become accessors whose setter defines the property on the object that was meant.
//
// Returns the function that freezes what a library brings later, with all that it leads to.
(function (resPrototype, enter) {
  'use strict';
  const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf } = Object;
  const { ownKeys } = Reflect;

  const seen = new Set();
  const queue = [];
  function add(value) {
    if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      if (!seen.has(value)) {
        seen.add(value);
        queue.push(value);
      }
    }
  }

  function soften(proto, key) {
    const old = getOwnPropertyDescriptor(proto, key);
    if (!old || !old.configurable || !('value' in old)) return;
    const value = old.value;
    add(value); // the accessor hides it from the walk below
    defineProperty(proto, key, {
      get() { return value; },
      set(assigned) {
        if (this === proto) throw new TypeError('Cannot assign to read only property ' + String(key) + ' of a built-in');
        if ((typeof this !== 'object' || this === null) && typeof this !== 'function') return;
        defineProperty(this, key, { value: assigned, writable: true, enumerable: true, configurable: true });
      },
      enumerable: old.enumerable,
      configurable: false,
    });
  }

  const errors = [Error, AggregateError, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError];
  for (const proto of [Object, Function, Promise, ...errors].map((c) => c.prototype)) {
    for (const key of ownKeys(proto)) {
      if (typeof key === 'string') soften(proto, key);
    }
  }
  for (const C of [Array, Map, Set, WeakMap, WeakSet, Date, RegExp, String, Number, Boolean]) {
    for (const key of ['constructor', 'toString', 'toLocaleString', 'valueOf', 'toJSON', 'concat']) soften(C.prototype, key);
  }

  add(globalThis);
  add(resPrototype);
  add(enter);
  // What no global leads to.
  add(getPrototypeOf(Int8Array));
  add(getPrototypeOf(function* () {}));
  add(getPrototypeOf((function* () {})()));
  add(getPrototypeOf(async function () {}));
  add([][Symbol.iterator]());
  add(new Map()[Symbol.iterator]());
  add(new Set()[Symbol.iterator]());
  add(''[Symbol.iterator]());
  add('x'.matchAll(/x/g));
  add(getOwnPropertyDescriptor((function () { return arguments; })(), 'callee').get);

  function drain() {
    for (let i = 0; i < queue.length; i++) {
      const value = queue[i];
      add(getPrototypeOf(value));
      const keys = ownKeys(value);
      for (let k = 0; k < keys.length; k++) { // an iterator takes a third of the whole
        const property = getOwnPropertyDescriptor(value, keys[k]);
        add(property.value);
        add(property.get);
        add(property.set);
      }
    }
    queue.forEach((value) => freeze(value));
    queue.length = 0;
  }
  drain();
  return function harden(...roots) {
    roots.forEach(add);
    drain();
  };
});
