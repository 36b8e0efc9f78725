/** Certificates in ACM, for what reads them there: load balancers, CloudFront, API Gateway. */
import type { CertificateImporter } from '../domain/hook.ts';
import { type AwsOptions, clientConfig, once, withoutLogger } from './clients.ts';
import { awsError } from './errors.ts';

/** A CertificateImporter whose client is loaded with the first import. */
export function acmImporter(options: AwsOptions = {}): CertificateImporter {
  const sdk = once(async () => {
    const loaded = await import('./sdk/acm.ts');
    return { ...loaded, client: withoutLogger(new loaded.ACMClient(clientConfig(options))) };
  });
  return {
    async import(certificateArn, { certificate, privateKey, chain }) {
      try {
        const { client, ImportCertificateCommand } = await sdk();
        await client.send(
          new ImportCertificateCommand({
            CertificateArn: certificateArn, // without it ACM would make another one
            Certificate: Buffer.from(certificate),
            PrivateKey: Buffer.from(privateKey),
            ...(chain !== '' && { CertificateChain: Buffer.from(chain) }),
          }),
        );
      } catch (thrown) {
        throw awsError(thrown, { service: 'acm', action: 'ImportCertificate', resource: certificateArn });
      }
    },
  };
}
