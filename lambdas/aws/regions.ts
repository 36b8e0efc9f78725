/** Resources in the Region that their ARN names, whatever Region the stack is in. */
import { RenewalError } from '../domain/errors.ts';

/** What an ARN has to look like there, for the message. */
export interface RegionalResource {
  /** `a certificate in ACM`. */
  readonly what: string;
  /** `arn:aws:acm:<region>:<account>:certificate/<id>`. */
  readonly form: string;
}

/** The client for an ARN: one for each Region, made when first asked for. Throws InvalidRequest for an ARN without a Region. */
export function clientByArn<Client>(
  resource: RegionalResource,
  make: (region: string) => Promise<Client>,
): (arn: string) => Promise<Client> {
  const clients = new Map<string, Client>();
  return async (arn) => {
    const region = regionOf(arn, resource);
    const client = clients.get(region) ?? (await make(region));
    clients.set(region, client);
    return client;
  };
}

/** arn:<partition>:<service>:<region>:<account>:… */
function regionOf(arn: string, { what, form }: RegionalResource): string {
  const region = arn.split(':')[3];
  if (region !== undefined && region !== '') return region;
  throw new RenewalError(
    'InvalidRequest',
    `${arn} is not the ARN of ${what}, so it names no Region: expected ${form}. Correct the hook and deploy.`,
  );
}
