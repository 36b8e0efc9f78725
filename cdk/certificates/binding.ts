/** What a declared certificate of an app and its renewer know of each other. */
import type { IConstruct, IDependable } from 'constructs';
import type { CertificateEntry } from '../../lambdas/policy/certificate-entry.ts';

/** What a Certificate needs of its renewer: a CertRenewer of the same stack, or of another one of the app. */
export interface ICertRenewer extends IConstruct {
  /**
   * Takes on a certificate that `scope` declares, in a secret of that name. `Certificate` calls it. Throws ConfigError, with
   * the path of `scope`, for what this renewer's profiles do not let it be.
   */
  bindCertificate(scope: IConstruct, secretName: string, entry: CertificateEntry): CertificateBinding;
}

/** What makes a certificate out of a declaration. */
export interface CertificateBinding {
  /** ARN of the function behind the custom resource. */
  readonly serviceToken: string;
  /** Changes where another profile may mean another certificate. */
  readonly configHash: string;
  /** What has to be there before. */
  readonly dependencies: readonly IDependable[];
}
