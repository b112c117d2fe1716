// Text and bytes.
(function (use, native) {
  'use strict';

  // bytesOf is the bytes of an ArrayBuffer or of a view of one, not copied.
  function bytesOf(value) {
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    throw new TypeError('bytes are an ArrayBuffer, a Buffer or another typed array');
  }

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return new Uint8Array(native.encode(String(text), 'utf8')); }
    encodeInto(text, target) {
      let read = 0;
      let written = 0;
      for (const character of String(text)) {
        const bytes = this.encode(character);
        if (written + bytes.length > target.length) break;
        target.set(bytes, written);
        written += bytes.length;
        read += character.length;
      }
      return { read, written };
    }
  }

  const labels = {
    'utf-8': 'utf-8', utf8: 'utf-8', 'unicode-1-1-utf-8': 'utf-8',
    'utf-16le': 'utf-16le', 'utf-16': 'utf-16le', 'ucs-2': 'utf-16le',
    latin1: 'windows-1252', 'iso-8859-1': 'windows-1252', ascii: 'windows-1252', 'windows-1252': 'windows-1252',
  };

  const nothing = new Uint8Array(0);

  // complete says how many of the bytes are whole characters, in each encoding.
  const complete = {
    'utf-8'(bytes) {
      const end = bytes.length;
      for (let i = end - 1; i >= 0 && i >= end - 3; i--) {
        const b = bytes[i];
        if (b >= 0x80 && b < 0xc0) continue; // goes on with a character
        const length = b >= 0xf5 ? 1 : b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 1;
        return end - i < length ? i : end;
      }
      return end;
    },
    'utf-16le'(bytes) {
      const end = bytes.length & ~1;
      const high = end >= 2 && bytes[end - 1] >= 0xd8 && bytes[end - 1] < 0xdc; // the first half of a pair
      return high ? end - 2 : end;
    },
    'windows-1252': (bytes) => bytes.length,
  };

  class TextDecoder {
    #encoding;
    #fatal;
    #keepMark;
    #begun = false; // a text that comes in pieces
    #rest = nothing; // the beginning of a character whose end has not come yet
    constructor(label = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
      this.#encoding = labels[String(label).trim().toLowerCase()];
      if (!this.#encoding) throw new RangeError('The "' + label + '" encoding is not supported');
      this.#fatal = Boolean(fatal);
      this.#keepMark = Boolean(ignoreBOM);
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#keepMark; }
    decode(bytes, options) {
      const more = Boolean(options && options.stream);
      let all = bytes === undefined ? nothing : bytesOf(bytes);
      if (this.#rest.length > 0) all = new Uint8Array([...this.#rest, ...all]);
      const whole = more ? complete[this.#encoding](all) : all.length;
      const first = !this.#begun;
      this.#rest = all.slice(whole);
      this.#begun = more && (this.#begun || whole > 0);
      if (whole === 0) return '';
      const text = native.decode(all.subarray(0, whole), this.#encoding, this.#fatal);
      return first && !this.#keepMark && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
  }

  function btoa(text) {
    text = String(text);
    if (/[^\x00-\xff]/.test(text)) throw new RangeError('btoa: the text has a character above U+00FF');
    return native.decode(new Uint8Array(native.encode(text, 'latin1')), 'base64');
  }

  function atob(text) {
    text = String(text).replace(/[\t\n\f\r ]+/g, '');
    if (text.length % 4 === 0) text = text.replace(/==?$/, '');
    if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) throw new RangeError('atob: the text is not base64');
    return native.decode(new Uint8Array(native.encode(text, 'base64')), 'latin1');
  }

  return { TextEncoder, TextDecoder, btoa, atob, bytesOf };
});
