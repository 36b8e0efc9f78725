/**
 * The ports that a deployment needs besides the Store: to create a secret, to write the declaration where the worker reads it, and
 * to invoke the renew function. Every port has a fake in testkit/fakes/.
 */

export interface NewSecret {
  readonly name: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The customer KMS key that encrypts it. Undefined: the account's default key for Secrets Manager. */
  readonly encryptionKey: string | undefined;
  /** Id of the version that holds `{}`: 32 to 64 characters. */
  readonly versionId: string;
}

/** Secrets Manager, for new secrets. Every method throws AccessDenied, KmsDenied and Throttled. */
export interface SecretMaker {
  /**
   * Creates a secret with the value `{}`. Returns its ARN, or undefined if a secret of that name exists already. For one that is
   * scheduled for deletion it returns undefined or throws SecretNotFound.
   */
  create(secret: NewSecret): Promise<string | undefined>;
  /** Sets another encryption key for new versions. The value stays. */
  setEncryptionKey(secretArn: string, encryptionKey: string): Promise<void>;
}

/** The SSM parameters that hold the declarations, by the secret's name. Every method throws AccessDenied and Throttled. */
export interface DeclarationKeeper {
  /** Returns the document as written, or undefined if there is none. */
  read(secretName: string): Promise<string | undefined>;
  write(secretName: string, document: string): Promise<void>;
  /** Returns whether there was one. */
  remove(secretName: string): Promise<boolean>;
}

/** `failed`: the function threw. `errorType` is one of cert-renewer's codes or a type of Lambda's own. */
export type FunctionAnswer =
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly errorType: string; readonly message: string };

/** The renew function, invoked on demand. Both methods throw AccessDenied, Throttled, and InvalidRequest if it does not exist. */
export interface RenewFunction {
  /** Invokes it and waits for the answer. */
  ask(request: Readonly<Record<string, unknown>>): Promise<FunctionAnswer>;
  /** Invokes it and does not wait. */
  start(request: Readonly<Record<string, unknown>>): Promise<void>;
}
