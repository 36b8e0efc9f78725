/** What of the SDK is loaded with the first import. A module of its own, as a bundler keeps all of an import(). */
export { ACMClient, ImportCertificateCommand } from '@aws-sdk/client-acm';
