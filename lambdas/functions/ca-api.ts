import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { type ApiRequest, answer } from '../authority/http/api.ts';
import { composeCaApi, shortPolicyFor } from '../compose.ts';

const { journal, api } = await composeCaApi();

/** Handles a request of API Gateway's HTTP API, payload 2.0 (docs/ca-api.md). Never throws. */
export async function handler(
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<APIGatewayProxyStructuredResultV2> {
  const request = requestOf(event);
  journal.begin(request.id);
  const { status, body } = await answer(api(shortPolicyFor(context)), request);
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      // RFC 9110 section 11.6.1: a 401 response names the authentication scheme.
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
    body: JSON.stringify(body),
  };
}

function requestOf(event: APIGatewayProxyEventV2): ApiRequest {
  const { requestId, stage, http } = event.requestContext;
  const prefix = `/${stage}`;
  // The path begins with the stage, unless that is $default.
  const path = event.rawPath.startsWith(`${prefix}/`) ? event.rawPath.slice(prefix.length) : event.rawPath;
  return {
    id: requestId,
    method: http.method,
    path,
    isRouted: event.routeKey !== '$default',
    authorization: event.headers?.['authorization'],
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
  };
}
