/** Object identifiers, except those of keys and signatures (algorithms.ts). */
export const oids = {
  commonName: '2.5.4.3',
  emailAddress: '1.2.840.113549.1.9.1',
  /** PKCS #9 (RFC 2985): the attribute for extensions in a request. */
  extensionRequest: '1.2.840.113549.1.9.14',

  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  policyMappings: '2.5.29.33',
  authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36',
  extendedKeyUsage: '2.5.29.37',
  inhibitAnyPolicy: '2.5.29.54',
  authorityInfoAccess: '1.3.6.1.5.5.7.1.1',
  /** RFC 3779: Internet resources. */
  ipAddressBlocks: '1.3.6.1.5.5.7.1.7',
  autonomousSystemIds: '1.3.6.1.5.5.7.1.8',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  netscapeCertType: '2.16.840.1.113730.1.1',
  /** RFC 6962: signed certificate timestamps. */
  sctList: '1.3.6.1.4.1.11129.2.4.2',
  /** The provisioner of step-ca that issued the certificate. */
  stepProvisioner: '1.3.6.1.4.1.37476.9000.64.1',

  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  /** Server Gated Cryptography, the usage of servers' certificates before serverAuth. */
  microsoftSgc: '1.3.6.1.4.1.311.10.3.3',
  netscapeSgc: '2.16.840.1.113730.4.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
} as const;

const namesByOid = new Map<string, string>(Object.entries(oids).map(([name, oid]) => [oid, name]));

/** Returns a name for messages: `subjectAltName (2.5.29.17)`, or only the OID. */
export function nameOfOid(oid: string): string {
  const name = namesByOid.get(oid);
  return name === undefined ? oid : `${name} (${oid})`;
}
