// Hashes, keyed hashes and random values, named as in Node and in browsers.
(function (use, native) {
  'use strict';
  const { bytesOf } = use('text');
  const { Buffer } = use('buffer');

  const bytes = (data, encoding) => (typeof data === 'string' ? Buffer.from(data, encoding) : bytesOf(data));
  const output = (result, encoding) => {
    const b = Buffer.from(result);
    return encoding === undefined || encoding === 'buffer' ? b : b.toString(encoding);
  };
  const algorithm = (name) => {
    const known = String(name).toLowerCase().replace(/^(rsa-|sha-)/, (prefix) => (prefix === 'sha-' ? 'sha' : ''));
    if (!native.hashes().includes(known)) throw new Error('Digest method not supported: ' + name + '; there are ' + native.hashes().join(', '));
    return known;
  };

  // digester gathers what is hashed until the digest is asked for.
  class Digester {
    #parts = [];
    #finish;
    constructor(finish) { this.#finish = finish; }
    update(data, encoding) {
      if (!this.#finish) throw new Error('Digest already called');
      this.#parts.push(Buffer.from(bytes(data, encoding)));
      return this;
    }
    digest(encoding) {
      if (!this.#finish) throw new Error('Digest already called');
      const finish = this.#finish;
      this.#finish = null;
      return output(finish(Buffer.concat(this.#parts)), encoding);
    }
  }

  function createHash(name) {
    const known = algorithm(name);
    return new Digester((data) => native.digest(known, data));
  }

  function createHmac(name, key) {
    const known = algorithm(name);
    const secret = bytes(key);
    return new Digester((data) => native.hmac(known, secret, data));
  }

  function randomBytes(size, callback) {
    const random = Buffer.from(native.random(size));
    if (typeof callback !== 'function') return random;
    native.immediate(callback, null, random);
  }

  function randomInt(min, max) {
    if (max === undefined) [min, max] = [0, min];
    const range = max - min;
    if (!(range > 0 && range < 2 ** 48 && Number.isSafeInteger(min) && Number.isSafeInteger(max))) {
      throw new RangeError('randomInt takes whole numbers, the first below the second');
    }
    const limit = 2 ** 48 - (2 ** 48 % range); // what lies above would come more often than the rest
    for (;;) {
      const n = Buffer.from(native.random(6)).readUIntBE(0, 6);
      if (n < limit) return min + (n % range);
    }
  }

  function getRandomValues(array) {
    const target = bytesOf(array);
    if (target.length > 65536) throw new RangeError('getRandomValues gives 65536 bytes at most');
    target.set(new Uint8Array(native.random(target.length)));
    return array;
  }

  function timingSafeEqual(a, b) {
    const [x, y] = [bytesOf(a), bytesOf(b)];
    if (x.length !== y.length) throw new RangeError('Input buffers must have the same byte length');
    return native.equal(x, y);
  }

  const hash = (name, data, encoding = 'hex') => createHash(name).update(data).digest(encoding);
  const hmac = (name, key, data, encoding = 'hex') => createHmac(name, key).update(data).digest(encoding);
  const randomUUID = () => native.uuid();

  const subtle = {
    async digest(name, data) {
      return native.digest(algorithm(typeof name === 'object' ? name.name : name), bytesOf(data));
    },
  };

  return {
    crypto: {
      randomUUID, uuid: randomUUID, randomBytes, randomInt, getRandomValues, createHash, createHmac, hash, hmac,
      timingSafeEqual, getHashes: () => native.hashes(), subtle,
    },
    Digester, // what instances lead to is frozen with the rest
  };
});
