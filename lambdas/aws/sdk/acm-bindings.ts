/** The part of the SDK that is loaded with the first binding. A module of its own: a bundler keeps everything of an import(). */
export { ACMClient, GetAcmeExternalAccountBindingCredentialsCommand } from '@aws-sdk/client-acm';
