/** The HTTP API that renews the stack's own authorities (docs/ca-api.md). */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge.ts';
import { NodeFunction, type NodeFunctionProps } from '../functions/node-function.ts';
import { allowReading } from '../functions/permissions.ts';
import { signerRoleName } from './signer-role.ts';

export interface CaApiProps extends Pick<NodeFunctionProps, 'environment' | 'logRetention' | 'placement'> {
  readonly auth: 'iam' | 'bearer';
  /** With `bearer`: the secret with the tokens. */
  readonly tokenSecretId: string | undefined;
}

/** Infisical's previous path and its current one. */
const paths = ['/api/v1/pki/ca/{caId}/renew', '/api/v1/cert-manager/ca/internal/{caId}/renew'] as const;

/** The API Gateway of the API, its function and its access log. */
export class CaApi extends Construct {
  readonly handler: NodeFunction;
  /** URL without a slash at its end. */
  readonly url: string;
  private readonly routes: readonly HttpRoute[];

  constructor(scope: Construct, id: string, { auth, tokenSecretId, ...shared }: CaApiProps) {
    super(scope, id);
    this.handler = new NodeFunction(this, 'Handler', {
      ...shared,
      entry: 'ca-api.ts',
      description: 'Renews CA certificates by HTTP',
      timeout: Duration.seconds(29), // API Gateway waits for 30
      memorySize: 1024,
      environment: {
        ...shared.environment,
        CA_API_AUTH: auth,
        ...(auth === 'bearer' && tokenSecretId !== undefined && { TOKEN_SECRET_ID: tokenSecretId }),
      },
      roleName: signerRoleName(this, 'Handler'),
    });
    if (auth === 'bearer' && tokenSecretId !== undefined) allowReading(this.handler.role, 'Tokens', [tokenSecretId]);
    const api = new HttpApi(this, 'Api', {
      description: 'cert-renewer: renews CA certificates',
      createDefaultStage: false,
    });
    this.url = api.apiEndpoint;
    this.routes = this.addRoutes(api, auth);
    this.addStage(api, shared.logRetention);
  }

  /** Lets a role renew authorities by HTTP, if `auth` is `iam`. */
  grantInvoke(grantee: IGrantable): Grant {
    const [first, ...others] = this.routes.map((route) => route.grantInvoke(grantee));
    if (!first) throw new Error('an API without routes');
    return others.reduce((all, grant) => all.combine(grant), first);
  }

  private addRoutes(httpApi: HttpApi, auth: 'iam' | 'bearer'): HttpRoute[] {
    const integration = new HttpLambdaIntegration('Lambda', this.handler.function);
    const authorizer = new HttpIamAuthorizer();
    const routes = paths.map(
      (path, index) =>
        new HttpRoute(this, `Renew${index}`, {
          httpApi,
          routeKey: HttpRouteKey.with(path, HttpMethod.POST),
          integration,
          ...(auth === 'iam' && { authorizer }),
        }),
    );
    // All other paths: API Gateway's own 404 does not have the body that docs/ca-api.md promises.
    const others = new HttpRoute(this, 'Others', { httpApi, routeKey: HttpRouteKey.DEFAULT, integration });
    acknowledgeOpen(others, 'This route only answers 404: the function renews nothing by it.');
    if (auth === 'bearer') {
      for (const route of routes) acknowledgeOpen(route, 'The function checks the bearer token, as configured.');
    }
    return routes;
  }

  private addStage(httpApi: HttpApi, retention: NodeFunctionProps['logRetention']): void {
    const logGroup = new LogGroup(this, 'AccessLogs', { retention, removalPolicy: RemovalPolicy.DESTROY });
    new HttpStage(this, 'Stage', {
      httpApi,
      stageName: '$default',
      autoDeploy: true,
      // A CA is rarely renewed; more calls than this are a fault or an attack.
      throttle: { rateLimit: 20, burstLimit: 40 },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(accessLog)),
      },
    });
  }
}

/** The fields of the access log. No headers, because one of them contains the token. */
const accessLog = {
  requestId: '$context.requestId',
  ip: '$context.identity.sourceIp',
  user: '$context.identity.userArn',
  time: '$context.requestTime',
  method: '$context.httpMethod',
  path: '$context.path',
  route: '$context.routeKey',
  status: '$context.status',
  error: '$context.error.message',
  integrationError: '$context.integrationErrorMessage',
};

function acknowledgeOpen(route: HttpRoute, reason: string): void {
  acknowledge(route, 'AwsSolutions-APIG4', reason);
}
