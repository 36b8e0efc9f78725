/** What servers present at the endpoints of a certificate (lambdas/probes). */
import type { KeySpec } from './key-spec.ts';

/** A place where a certificate is served: an entry of the tag `cert-renewer:endpoints`. */
export interface Endpoint {
  /** As in the tag: `host:port` or `host:port/servername`. */
  readonly text: string;
  /** A name in lower case, or an address without brackets. */
  readonly host: string;
  readonly isAddress: boolean;
  readonly port: number;
  /** The name for SNI (RFC 6066 section 3). Undefined for an address without a servername. */
  readonly serverName: string | undefined;
}

export type KeyType = KeySpec['kty'];

/** One handshake: with this address, and no other that the name may have. */
export interface HandshakeTarget {
  /** IPv4 or IPv6, without brackets. */
  readonly address: string;
  readonly port: number;
  readonly serverName: string | undefined;
  /** The only type of key that the server may present. Undefined: any. */
  readonly keyType?: KeyType | undefined;
}

/**
 * - `timeout`: no certificate within the limit
 * - `refused`: nothing listens at the port
 * - `noRoute`: this network has no way to the address, such as IPv6 in a network without it
 * - `closed`: the server closed the connection before it presented a certificate
 * - `alert`: the server ended the handshake with a TLS alert, before it presented a certificate
 * - `notTls`: the server does not speak TLS, or no supported version
 * - `tooLarge`: the certificates are larger than a client accepts
 * - `failed`: any other error
 */
export type HandshakeProblem =
  | 'timeout'
  | 'refused'
  | 'noRoute'
  | 'closed'
  | 'alert'
  | 'notTls'
  | 'tooLarge'
  | 'failed';

/** The code of a `timeout` of a server that has accepted the connection. */
export const silent = 'silent';

/** The outcome of a handshake: the DER certificates that the server presented, leaf first, or why there are none. */
export type Handshake =
  | { readonly ok: true; readonly certificates: readonly Uint8Array[] }
  | {
      readonly ok: false;
      readonly problem: HandshakeProblem;
      /** The name of the alert (RFC 8446 section 6) or the code of the system's error. Never text of the server. */
      readonly code: string;
    };

/** The outcome of a look-up of a name. `code`: the code of the resolver, such as ENOTFOUND. */
export type Resolution =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly code: string };

/** The network of the probe. Neither method throws. Each ends within a few seconds. */
export interface ProbeNetwork {
  /** Returns all addresses of a name, IPv4 and IPv6. */
  resolve(host: string): Promise<Resolution>;
  /** Opens a connection, makes a TLS handshake, and closes. Sends nothing else, and trusts nothing. */
  handshake(target: HandshakeTarget): Promise<Handshake>;
}

/**
 * - `served`: each address presents the certificate
 * - `stale`: an address presents another certificate
 * - `unreachable`: an address presents none, or the probe may not connect to it
 */
export type EndpointState = 'served' | 'stale' | 'unreachable';

/** The result for one endpoint. */
export interface EndpointReport {
  readonly endpoint: string;
  readonly state: EndpointState;
  /** Of the certificate that is presented. With `stale`, of the other one. Null if there is none. */
  readonly serialNumber: string | null;
  readonly notAfter: string | null;
  /** What was found, and for a problem what to do. */
  readonly message: string;
}

/** A client that has only the root can't verify what is served. */
export interface ServingWarning {
  readonly code: 'IncompleteChain';
  readonly message: string;
}

/** The detail of `Certificate Served` and `Certificate Not Served`. */
export interface ServedReport {
  readonly secretArn: string;
  readonly name: string;
  readonly profile: string;
  readonly versionId: string;
  /** The certificate that is to be served. */
  readonly fingerprintSha256: string;
  readonly notAfter: string | null;
  readonly endpoints: readonly EndpointReport[];
  readonly warnings: readonly ServingWarning[];
}

/** The reason in a log line of the probe. */
export interface ServingReason {
  readonly code: 'Served' | 'NotServed';
  readonly message: string;
}
