// Buffer: that of goja_nodejs, with what it lacks of Node's.
(function (use, native) {
  'use strict';
  const { bytesOf } = use('text');
  const base = native.buffers();
  const proto = base.prototype;
  const maxSize = 64 << 20;

  const encodings = {
    utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url', latin1: 'latin1', binary: 'latin1',
    ascii: 'latin1', ucs2: 'utf-16le', 'ucs-2': 'utf-16le', utf16le: 'utf-16le', 'utf-16le': 'utf-16le',
  };

  function encodingOf(name) {
    if (name === undefined || name === null) return 'utf8';
    const encoding = encodings[String(name).toLowerCase()];
    if (!encoding) throw new TypeError('Unknown encoding: ' + name);
    return encoding;
  }

  function sized(size) {
    if (typeof size !== 'number') throw new TypeError('The "size" argument must be of type number');
    if (!(size >= 0 && size <= maxSize)) throw new RangeError('The "size" argument must be from 0 to ' + maxSize);
    return size;
  }

  // Buffer is called with new by old scripts.
  function Buffer(value, encoding, length) {
    return typeof value === 'number' ? Buffer.alloc(value) : Buffer.from(value, encoding, length);
  }

  // wrap makes a Buffer of bytes that are there.
  const wrap = (...args) => Reflect.construct(Uint8Array, args, Buffer);

  function from(value, encoding, length) {
    if (typeof value === 'string') return wrap(native.encode(value, encodingOf(encoding)));
    if (value instanceof ArrayBuffer) return wrap(value, encoding, length);
    if (value === null || typeof value !== 'object') {
      throw new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object.');
    }
    if (value.type === 'Buffer' && Array.isArray(value.data)) return from(value.data);
    const plain = value.valueOf();
    if (plain !== value && plain !== null && plain !== undefined) return from(plain, encoding, length);
    sized(Number(value.length) || 0);
    return wrap(value instanceof Uint8Array ? value : Array.from(value, (byte) => byte & 255));
  }

  const compare = (a, b) => {
    const n = Math.min(a.length, b.length);
    for (let i = 0; i < n; i++) {
      if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return Math.sign(a.length - b.length);
  };

  const own = {
    from,
    alloc: (size, fill, encoding) => (fill === undefined ? base.alloc(sized(size)) : base.alloc(sized(size)).fill(fill, encoding)),
    allocUnsafe: (size) => base.alloc(sized(size)),
    allocUnsafeSlow: (size) => base.alloc(sized(size)),
    concat: (list, total) => (total === undefined ? base.concat(list) : base.concat(list, sized(total))),
    compare,
    isBuffer: (value) => value instanceof Buffer,
    isEncoding: (name) => typeof name === 'string' && name.toLowerCase() in encodings,
    byteLength: (value, encoding) => (typeof value === 'string'
      ? native.encode(value, encodingOf(encoding)).byteLength : bytesOf(value).byteLength),
    poolSize: 8192,
  };

  const view = (b, start, end) => {
    const bytes = Uint8Array.prototype.subarray.call(b, start, end);
    return wrap(bytes.buffer, bytes.byteOffset, bytes.length);
  };

  // needle is what is looked for, as bytes.
  const needle = (value, encoding) => (typeof value === 'number' ? from([value]) : typeof value === 'string' ? from(value, encoding) : value);

  function indexOf(value, start = 0, encoding) {
    if (typeof start === 'string') [start, encoding] = [0, start];
    const wanted = needle(value, encoding);
    start = start < 0 ? Math.max(0, this.length + start) : Math.trunc(start) || 0;
    for (let i = start; i <= this.length - wanted.length; i++) {
      let j = 0;
      while (j < wanted.length && this[i + j] === wanted[j]) j++;
      if (j === wanted.length) return i;
    }
    return -1;
  }

  function lastIndexOf(value, start, encoding) {
    const wanted = needle(value, typeof start === 'string' ? start : encoding);
    const from = typeof start === 'number' ? (start < 0 ? this.length + start : start) : this.length;
    for (let i = Math.min(from, this.length - wanted.length); i >= 0; i--) {
      if (compare(view(this, i, i + wanted.length), wanted) === 0) return i;
    }
    return -1;
  }

  const methods = {
    toString(encoding, start = 0, end = this.length) {
      if (end <= start) return '';
      return native.decode(Uint8Array.prototype.subarray.call(this, Math.max(0, start), end), encodingOf(encoding));
    },
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; },
    slice(start, end) { return view(this, start, end); },
    subarray(start, end) { return view(this, start, end); },
    compare(other) { return compare(this, other); },
    indexOf,
    lastIndexOf,
    includes(value, start, encoding) { return this.indexOf(value, start, encoding) >= 0; },
    copy(target, at = 0, start = 0, end = this.length) {
      const part = Uint8Array.prototype.subarray.call(this, start, Math.min(end, start + Math.max(0, target.length - at)));
      Uint8Array.prototype.set.call(target, part, at);
      return part.length;
    },
    write(text, offset, length, encoding) {
      if (typeof offset === 'string') [offset, encoding] = [0, offset];
      if (typeof length === 'string') [length, encoding] = [undefined, length];
      return from(String(text), encoding).copy(this, offset || 0, 0, length);
    },
    fill(value, start = 0, end = this.length, encoding) {
      if (typeof start === 'string') [start, end, encoding] = [0, this.length, start];
      if (typeof value !== 'string' && !ArrayBuffer.isView(value)) return Uint8Array.prototype.fill.call(this, value, start, end);
      const bytes = needle(value, encoding);
      for (let i = start; i < end; i++) this[i] = bytes.length ? bytes[(i - start) % bytes.length] : 0;
      return this;
    },
  };

  const define = (o, properties) => {
    for (const name of Object.keys(properties)) {
      Object.defineProperty(o, name, { value: properties[name], writable: true, enumerable: false, configurable: true });
    }
  };
  Object.setPrototypeOf(Buffer, Uint8Array);
  Object.defineProperty(Buffer, 'prototype', { value: proto, writable: false });
  define(Buffer, own);
  define(proto, methods);
  define(proto, { constructor: Buffer });

  return { Buffer };
});
