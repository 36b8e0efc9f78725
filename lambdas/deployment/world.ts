/** The ports for declaring certificates. The deployment's function and the command line provide them. */
import type { DeclarationKeeper, RenewFunction, SecretMaker } from '../domain/declaring.ts';
import type { Clock, ProfileSource, Store } from '../domain/ports.ts';
import type { SecretSummary } from '../domain/secret.ts';

export interface DeclarationWorld {
  /** The deployment's resource, which removes only its own declarations. Undefined: a person. */
  readonly declaredBy?: string | undefined;
  readonly store: Pick<Store, 'describe' | 'tag'>;
  readonly secrets: SecretMaker;
  readonly declarations: DeclarationKeeper;
  readonly profiles: ProfileSource;
  readonly renewal: RenewFunction;
  readonly clock: Clock;
  /** ARN of the renew function. cert-renewer may write a secret that Secrets Manager rotates with this function. */
  readonly rotationFunctionArn?: string | undefined;
  /** Returns whether a secret is an authority's. Undefined if the authorities are not known. */
  readonly isAuthority?: (secret: SecretSummary) => Promise<boolean>;
}
