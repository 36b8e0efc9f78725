import { X509Certificate } from 'node:crypto';
import { keptByBytes } from './kept.ts';

/**
 * Parses a certificate with OpenSSL. Cached, because every secret and every answer of a CA has the same few intermediates. Throws
 * OpenSSL's error for a certificate that it can't parse.
 */
export const nativeCertificate = keptByBytes(50, (der) => new X509Certificate(der));
