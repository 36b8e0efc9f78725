/**
 * Detects a private key or a token that was pasted by mistake where a name belongs. Such a text is never sent to AWS, because
 * CloudTrail would keep it, and no message quotes it.
 */

const forms: readonly RegExp[] = [
  /PRIVATE(?: |%20|\+)KEY/, // PEM (RFC 7468, section 10), on one line or escaped too
  /"d" {0,9}: {0,9}"/, // a private JWK (RFC 7518, sections 6.2.2 and 6.3.2; RFC 8037, section 2)
  // The start of every private key in DER, as base64 and hex: a SEQUENCE, its length in one to three octets, and an INTEGER from 0
  // to 3 (RFC 5208, RFC 5915, RFC 8017, and RFC 7292 for PKCS#12).
  /M(?:[A-P][\w+/-]CAQ[A-P]|I[E-H][\w+/-]AgE[A-D]|I[I-L][\w+/-]{2}[AQgw]IBA)[\w+/-]{20}/,
  /30(?:[0-7][0-9a-f]|81[0-9a-f]{2}|82[0-9a-f]{4})02010[0-3][0-9a-f]{40}/i,
  /eyJ[\w-]{10,200}\.eyJ[\w-]{10}/, // a JWT (RFC 7519)
];

/** Returns whether the text contains a private key or a token in one of the usual forms. It can't detect a password. */
export function holdsKey(text: string): boolean {
  return forms.some((form) => form.test(text));
}
