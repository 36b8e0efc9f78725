/** The interface between a Certificate of an app and its renewer. */
import type { IConstruct, IDependable } from 'constructs';
import type { CertificateOptions } from '../config/options.ts';

/** A renewer that can issue a Certificate: a CertRenewer of the same stack or of another stack of the app. */
export interface ICertRenewer extends IConstruct {
  /**
   * Registers the certificate that `scope` declares for the secret `secretName`. Called by `Certificate`. Throws ConfigError, with the
   * path of `scope`, if the renewer's profiles do not allow the certificate.
   */
  bindCertificate(scope: IConstruct, secretName: string, entry: CertificateOptions): CertificateBinding;
}

/** The values that the custom resource of a declared certificate needs. */
export interface CertificateBinding {
  /** ARN of the function that handles the custom resource. */
  readonly serviceToken: string;
  /** A hash of all profiles. When it changes, CloudFormation calls the function again, since the certificate may change too. */
  readonly configHash: string;
  /** Constructs that must be deployed before the certificate. */
  readonly dependencies: readonly IDependable[];
}
