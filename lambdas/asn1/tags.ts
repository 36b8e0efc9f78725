/** Identifier octets (ITU-T X.690 section 8.1.2). X.509 and PKCS#12 use no tag number above 30, so one octet is enough. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The bit of a constructed element: its contents are elements. */
export const constructedBit = 0x20;

/** Returns the identifier octet of `[number]`: IMPLICIT of a primitive type, or EXPLICIT or IMPLICIT of a constructed type. */
export function contextTag(number: number, constructed: boolean): number {
  return (constructed ? 0xa0 : 0x80) | number;
}
