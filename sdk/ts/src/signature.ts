const encoder = new TextEncoder();

function hex(bytes: ArrayBuffer | Uint8Array): string {
  return Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, '0')).join('');
}

/** Returns the headers that sign a request with a key's signing secret. */
export async function sign(secret: string, method: string, target: string, body: string): Promise<Record<string, string>> {
  const time = String(Date.now());
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  const digest = hex(await crypto.subtle.digest('SHA-256', encoder.encode(body)));
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), {name: 'HMAC', hash: 'SHA-256'}, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode([time, nonce, method, target, digest].join(':')));
  return {'Gaff-Timestamp': time, 'Gaff-Nonce': nonce, 'Gaff-Signature': hex(mac)};
}
