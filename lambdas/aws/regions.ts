/** Clients for the Region of an ARN, independent of the stack's. */
import { RenewalError } from '../domain/errors.ts';

/** The expected form of an ARN, for the message. */
export interface RegionalResource {
  /** `a certificate in ACM`. */
  readonly what: string;
  /** `arn:aws:acm:<region>:<account>:certificate/<id>`. */
  readonly form: string;
}

/**
 * Returns a function that gives the client for an ARN. There is one for each Region, created when it is first needed. Throws InvalidRequest
 * for an ARN without a Region.
 */
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

/** Returns the Region of arn:<partition>:<service>:<region>:<account>:… */
function regionOf(arn: string, { what, form }: RegionalResource): string {
  const region = arn.split(':')[3];
  if (region !== undefined && region !== '') return region;
  throw new RenewalError(
    'InvalidRequest',
    `${arn} is not the ARN of ${what}, so it names no Region: expected ${form}. Correct the hook and deploy.`,
  );
}
