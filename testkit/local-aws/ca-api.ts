/** Calls the CA API of a deployed stack by HTTP. The local AWS answers for the API's host name at its own address. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from './client.ts';
import { REGION } from './ministack.ts';

export const oldPath = (caId: string): string => `/api/v1/pki/ca/${caId}/renew`;
export const newPath = (caId: string): string => `/api/v1/cert-manager/ca/internal/${caId}/renew`;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: any JSON; each test checks the fields that it needs.
  readonly body: any;
}

export interface HttpCall {
  readonly path: string;
  readonly method?: string;
  /** The body. Default: a renewal until 2035. */
  readonly body?: string;
  /** Sent as `Authorization: Bearer <token>`. */
  readonly token?: string;
  /** The header Authorization. */
  readonly authorization?: string;
  /** Signs the call as this principal. */
  readonly signedBy?: Credentials;
}

export const renewalUntil = (notAfter: string): string => JSON.stringify({ type: 'existing', notAfter });

/** `url` is the output CaApiUrl. */
export async function callCaApi(url: string, call: HttpCall): Promise<HttpAnswer> {
  const { method = 'POST', path, body = renewalUntil('2035-01-01T00:00:00.000Z'), token } = call;
  const { hostname, port } = new URL(url);
  const plain: Record<string, string> = { host: `${hostname}:${port}`, 'content-type': 'application/json' };
  if (token !== undefined) plain['authorization'] = `Bearer ${token}`;
  if (call.authorization !== undefined) plain['authorization'] = call.authorization;
  const headers = call.signedBy ? await signed(call.signedBy, { method, path, hostname, headers: plain, body }) : plain;
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: '127.0.0.1', port, method, path, headers }, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: JSON.parse(text) });
    });
    sent.on('error', reject).end(method === 'GET' ? undefined : body);
  });
}

interface Unsigned {
  readonly method: string;
  readonly path: string;
  readonly hostname: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function signed(credentials: Credentials, { hostname, ...request }: Unsigned): Promise<Record<string, string>> {
  const signer = new SignatureV4({ credentials, region: REGION, service: 'execute-api', sha256: Sha256 });
  const { headers } = await signer.sign({ ...request, protocol: 'http:', hostname, query: {} });
  return headers;
}

/** SHA-256 and HMAC of node:crypto, in the form that the signer needs. */
class Sha256 {
  private readonly key: Uint8Array | undefined;
  private parts: Uint8Array[] = [];

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.key = key === undefined ? undefined : bytesOf(key);
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.parts.push(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    const hash = this.key ? createHmac('sha256', this.key) : createHash('sha256');
    for (const part of this.parts) hash.update(part);
    return hash.digest();
  }

  reset(): void {
    this.parts = [];
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

/** Makes a token and its entry in the secret of tokens. */
export function newToken(authorities: readonly string[], expires?: string) {
  const token = randomBytes(32).toString('base64url');
  const sha256 = createHash('sha256').update(token).digest('hex');
  return { token, entry: { sha256, authorities, ...(expires !== undefined && { expires }) } };
}
