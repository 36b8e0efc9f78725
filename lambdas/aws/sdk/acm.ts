/** The part of the SDK that is loaded with the first import. A module of its own: a bundler keeps everything of an import(). */
export { ACMClient, ImportCertificateCommand } from '@aws-sdk/client-acm';
