/**
 * What the declaration of a certificate needs of the world beside the Store: the secret is made, the declaration is written where the
 * worker reads it, and the renew function is asked. Every port has a fake in testkit/fakes/.
 */

export interface NewSecret {
  readonly name: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** The customer key in KMS that it is encrypted with; undefined: the account's own for Secrets Manager. */
  readonly encryptionKey: string | undefined;
  /** Of the version that holds `{}`: 32 to 64 characters. */
  readonly versionId: string;
}

/** Secrets Manager, for secrets that hold nothing yet. Every method throws AccessDenied, KmsDenied and Throttled. */
export interface SecretMaker {
  /**
   * A secret with the value `{}`, the only one that is ever written here. Gives its ARN, or undefined where there is a secret of that
   * name. One that is scheduled for deletion is there too, or throws SecretNotFound.
   */
  create(secret: NewSecret): Promise<string | undefined>;
  /** Encrypts the secret with another key from now on; its value stays. */
  setEncryptionKey(secretArn: string, encryptionKey: string): Promise<void>;
}

/** The parameters that hold the declarations, by the secret's name. Every method throws AccessDenied and Throttled. */
export interface DeclarationKeeper {
  /** The document as it was written; undefined where there is none. */
  read(secretName: string): Promise<string | undefined>;
  write(secretName: string, document: string): Promise<void>;
  /** Gives whether there was one. */
  remove(secretName: string): Promise<boolean>;
}

/** `failed`: the function threw; `errorType` is one of the product's codes, or Lambda's own word for what became of it. */
export type FunctionAnswer =
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly errorType: string; readonly message: string };

/** The renew function, by an on-demand request. Both methods throw AccessDenied, Throttled, and InvalidRequest where it is not there. */
export interface RenewFunction {
  /** Waits for its end. */
  ask(request: Readonly<Record<string, unknown>>): Promise<FunctionAnswer>;
  /** Does not wait. */
  start(request: Readonly<Record<string, unknown>>): Promise<void>;
}
