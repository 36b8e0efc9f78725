import { X509Certificate } from 'node:crypto';
import { keptByBytes } from './kept.ts';

/**
 * OpenSSL's view of a certificate. It is asked for where a secret is read, where a signature is verified, and of the same few
 * intermediates for every secret and every answer of a CA. Throws OpenSSL's error for what it can't read.
 */
export const nativeCertificate = keptByBytes(50, (der) => new X509Certificate(der));
