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

  // Of the Web Cryptography API there are digests and HMAC with raw keys.
  const nameOf = (name) => String(name !== null && typeof name === 'object' ? name.name : name);
  const refuse = (name, message) => { throw Object.assign(new Error(message), { name }); };

  class CryptoKey {
    #secret;
    #hash;
    constructor(secret, hash, extractable, usages) {
      this.#secret = secret;
      this.#hash = hash;
      const name = 'SHA-' + hash.slice(3);
      this.type = 'secret';
      this.extractable = Boolean(extractable);
      this.algorithm = { name: 'HMAC', hash: { name }, length: secret.length * 8 };
      this.usages = Array.from(usages);
    }
    static mac(name, key, usage, data) {
      if (nameOf(name).toUpperCase() !== 'HMAC') refuse('NotSupportedError', nameOf(name) + ' is not supported: sign and verify take HMAC');
      if (!(#secret in key)) throw new TypeError('the key must be one that importKey gave');
      if (!key.usages.includes(usage)) refuse('InvalidAccessError', 'the key is not for ' + usage);
      return native.hmac(key.#hash, key.#secret, bytesOf(data));
    }
    static raw(key) {
      if (!key.extractable) refuse('InvalidAccessError', 'the key is not extractable');
      return native.copy(key.#secret);
    }
  }

  const subtle = {
    async digest(name, data) { return native.digest(algorithm(nameOf(name)), bytesOf(data)); },
    async importKey(format, data, name, extractable, usages) {
      if (format !== 'raw' || nameOf(name).toUpperCase() !== 'HMAC') {
        refuse('NotSupportedError', 'importKey takes raw keys for HMAC, not ' + format + ' for ' + nameOf(name));
      }
      return new CryptoKey(new Uint8Array(native.copy(bytesOf(data))), algorithm(nameOf(name.hash)), extractable, usages);
    },
    async exportKey(format, key) {
      if (format !== 'raw') refuse('NotSupportedError', 'exportKey gives raw keys, not ' + format);
      return CryptoKey.raw(key);
    },
    async sign(name, key, data) { return CryptoKey.mac(name, key, 'sign', data); },
    async verify(name, key, signature, data) {
      const [mac, given] = [new Uint8Array(CryptoKey.mac(name, key, 'verify', data)), bytesOf(signature)];
      return mac.length === given.length && native.equal(mac, given);
    },
  };

  return {
    crypto: {
      randomUUID, uuid: randomUUID, randomBytes, randomInt, getRandomValues, createHash, createHmac, hash, hmac,
      timingSafeEqual, getHashes: () => native.hashes(), subtle,
    },
    Digester, CryptoKey, // what instances lead to is frozen with the rest
  };
});
