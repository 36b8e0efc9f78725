/** A certificate authority of the stack, as CertRenewer's `authorities` has it. */
export interface ICertificateAuthority {
  /** Name of the authority in the configuration. */
  readonly name: string;
  /** ARN or name of the secret with the CA certificate. */
  readonly secretId: string;
  /** ARN of the KMS key. Undefined if the key is in the secret. */
  readonly keyArn: string | undefined;
}
