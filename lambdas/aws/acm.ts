/** Certificates in ACM, for what reads them there: load balancers, CloudFront, API Gateway. */
import type { ACMClient } from '@aws-sdk/client-acm';
import { RenewalError } from '../domain/errors.ts';
import type { CertificateImporter } from '../domain/hook.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';

/**
 * A CertificateImporter whose client is loaded with the first import. A certificate is in the Region that its ARN names,
 * whatever Region the stack is in: CloudFront takes those of us-east-1 alone.
 */
export function acmImporter(options: AwsOptions = {}): CertificateImporter {
  const sdk = once(() => import('./sdk/acm.ts'));
  const clients = new Map<string, ACMClient>();
  const clientOf = async (certificateArn: string): Promise<ACMClient> => {
    const region = regionOf(certificateArn);
    const { ACMClient } = await sdk();
    const client = clients.get(region) ?? new ACMClient(clientConfig({ ...options, region }));
    clients.set(region, client);
    return client;
  };
  return {
    async import(certificateArn, { certificate, privateKey, chain }) {
      try {
        const client = await clientOf(certificateArn);
        const { ImportCertificateCommand } = await sdk();
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

/** arn:<partition>:acm:<region>:<account>:certificate/<id> */
function regionOf(certificateArn: string): string {
  const region = certificateArn.split(':')[3];
  if (region !== undefined && region !== '') return region;
  throw new RenewalError(
    'InvalidRequest',
    `${certificateArn} is not the ARN of a certificate in ACM, so it names no Region: expected arn:aws:acm:<region>:<account>:certificate/<id>. Correct the hook and deploy.`,
  );
}
