// structuredClone.
(function () {
  'use strict';
  const errors = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

  function refuse(value) {
    const error = new Error((typeof value === 'symbol' ? 'a symbol' : typeof value === 'function' ? 'a function' : String(value)) + ' could not be cloned.');
    error.name = 'DataCloneError';
    throw error;
  }

  function copyError(value) {
    const C = errors[value.name] || Error;
    const out = new C(value.message);
    Object.defineProperty(out, 'stack', { value: value.stack, writable: true, configurable: true });
    if ('cause' in value) Object.defineProperty(out, 'cause', { value: value.cause, writable: true, configurable: true });
    return out;
  }

  // shell is the copy of an object before what is in it, or undefined if it holds nothing that is cloned in turn.
  function whole(value) {
    if (value instanceof Date) return new Date(value.getTime());
    if (value instanceof RegExp) return new RegExp(value.source, value.flags);
    if (value instanceof ArrayBuffer) return value.slice(0);
    if (value instanceof Boolean || value instanceof Number || value instanceof String) return Object(value.valueOf());
    if (value instanceof Error) return copyError(value);
    if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet) refuse(value);
    return undefined;
  }

  function clone(value, seen) {
    if (typeof value === 'function' || typeof value === 'symbol') refuse(value);
    if (value === null || typeof value !== 'object') return value;
    if (seen.has(value)) return seen.get(value);
    const keep = (copy) => {
      seen.set(value, copy);
      return copy;
    };
    const simple = whole(value);
    if (simple !== undefined) return keep(simple);
    if (ArrayBuffer.isView(value)) {
      const buffer = clone(value.buffer, seen);
      if (value instanceof DataView) return keep(new DataView(buffer, value.byteOffset, value.byteLength));
      const C = value instanceof Uint8Array ? Uint8Array : value.constructor;
      return keep(new C(buffer, value.byteOffset, value.length));
    }
    if (value instanceof Map) {
      const copy = keep(new Map());
      value.forEach((v, k) => copy.set(clone(k, seen), clone(v, seen)));
      return copy;
    }
    if (value instanceof Set) {
      const copy = keep(new Set());
      value.forEach((v) => copy.add(clone(v, seen)));
      return copy;
    }
    const copy = keep(Array.isArray(value) ? new Array(value.length) : {});
    for (const key of Object.keys(value)) {
      Object.defineProperty(copy, key, { value: clone(value[key], seen), writable: true, enumerable: true, configurable: true });
    }
    return copy;
  }

  return { structuredClone: function structuredClone(value) { return clone(value, new Map()); } };
});
