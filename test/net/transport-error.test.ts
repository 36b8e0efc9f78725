import { describe, expect, test } from 'vitest';
import { RenewalError } from '../../lambdas/domain/errors.ts';
import {
  connectionError,
  cutAnswer,
  stopped,
  TransportError,
  toCaError,
  tooLarge,
} from '../../lambdas/net/transport-error.ts';

const url = new URL('https://ca.example:9000/renew');
const coded = (code: string): Error => Object.assign(new Error('a message that may quote anything'), { code });
const unknown = { untrusted: false, reused: false };
const codeOf = (error: unknown): unknown => (error instanceof RenewalError ? error.code : error);

const unreachable = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
];

describe('an error of node or OpenSSL', () => {
  test.each<[code: string, kind: string, alert: string | undefined, renewalCode: string]>([
    // The error of node 20 and 22 (OpenSSL 3.0) and of node 24 (3.5) for the same alert.
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'clientCertificate', 'certificate_expired', 'CaRejected'],
    ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', 'clientCertificate', 'certificate_expired', 'CaRejected'],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', 'clientCertificate', 'bad_certificate', 'CaRejected'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'clientCertificate', 'unknown_ca', 'CaRejected'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'clientCertificate', 'certificate_required', 'CaRejected'],
    ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', 'clientCertificate', 'decrypt_error', 'CaRejected'],
    ['ERR_SSL_EE_KEY_TOO_SMALL', 'clientCertificate', undefined, 'CaRejected'],
    ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'unreachable', undefined, 'CaUnavailable'],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'protocol', undefined, 'CaRejected'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'protocol', undefined, 'CaRejected'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'protocol', undefined, 'CaRejected'],
    ['EPROTO', 'protocol', undefined, 'CaRejected'],
    ['HPE_INVALID_CONSTANT', 'protocol', undefined, 'CaRejected'],
    ['HPE_HEADER_OVERFLOW', 'protocol', undefined, 'CaRejected'],
    ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'keyMismatch', undefined, 'KeyMismatch'],
    ...unreachable.map((code): [string, string, undefined, string] => [
      code,
      'unreachable',
      undefined,
      'CaUnavailable',
    ]),
  ])('%s is %s, %s: %s', (code, kind, alert, renewalCode) => {
    const error = connectionError(coded(code), url, unknown);
    expect(error).toMatchObject({ kind, alert, stale: false });
    expect(error.message).not.toContain('quote anything');
    expect(codeOf(toCaError(error))).toBe(renewalCode);
  });

  test.each([
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_GET_ISSUER_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_HAS_EXPIRED',
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ])("%s of the server's certificate is CaUntrusted", (code) => {
    const error = connectionError(coded(code), url, { untrusted: true, reused: false });
    expect(error.message).toContain('ca.example:9000');
    expect(codeOf(toCaError(error))).toBe('CaUntrusted');
  });

  test.each([
    ['ECONNRESET', true, true],
    ['EPIPE', true, true],
    ['ECONNRESET', false, false],
    ['ETIMEDOUT', true, false],
  ])('%s on a kept connection (%s) is stale: %s', (code, reused, stale) => {
    expect(connectionError(coded(code), url, { untrusted: false, reused }).stale).toBe(stale);
  });

  test('without a code, or with a text as code, is described without it', () => {
    for (const thrown of [new Error('secret'), coded('secret with spaces'), 'secret', null]) {
      const error = connectionError(thrown, url, unknown);
      expect(error.kind).toBe('unreachable');
      expect(error.message).not.toContain('secret');
    }
  });
});

test.each([
  ['a timeout', stopped(url, new DOMException('over', 'TimeoutError'), 10_000), 'CaUnavailable'],
  ['a cut answer of any status', cutAnswer(undefined, url, 200), 'CaUnavailable'],
  ['too much with a success', tooLarge(url, 201, 1), 'CaRejected'],
  ['too much with a failure of the server', tooLarge(url, 503, 1), 'CaUnavailable'],
])('%s', (_, error, code) => {
  expect(codeOf(toCaError(error))).toBe(code);
  expect(error.message).toContain('ca.example:9000');
});

test('an error that is no TransportError stays unchanged', () => {
  const error = new RenewalError('KmsDenied', 'no');
  expect(toCaError(error)).toBe(error);
  expect(new TransportError('cut', 'm').stale).toBe(false);
});
