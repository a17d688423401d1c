/** The OpenAPI document of the service, made from its routes and from the declarations of their bodies. */

import { Filter } from '../core/filter.js'
import { Expression } from '../core/formula.js'
import { INGEST_TYPES } from '../core/ingest.js'
import { type Components, describe } from '../core/vocabulary/document.js'
import { snakeCase } from '../core/vocabulary/spelling.js'
import type { Route } from './call.js'
import { ReadParameters } from './parameters.js'
import { API_VERSION } from './versions.js'

const NO_BODY = new Set(['GET', 'DELETE'])
const PARAMETER = /:(\w+)/g
/** Names of the parts of paths, as Qdrant's own document has them. */
const QDRANTS: Readonly<Record<string, string>> = {
  name: 'collection_name',
  vector: 'vector_name',
  field: 'field_name',
  snapshot: 'snapshot_name',
  shard: 'shard_id',
  peer: 'peer_id',
}

/** Headers of answers, and the headers of requests that they follow. */
const HEADERS = {
  'x-request-id': {
    description:
      'The id of the request: its own header `x-request-id` of 1 to 128 visible ASCII characters, or a new one.',
    required: true,
    schema: { type: 'string', minLength: 1, maxLength: 128 },
  },
  traceresponse: {
    description:
      'The trace (W3C): that of the header `traceparent` of the request, or of one that the service has begun.',
    schema: { type: 'string' },
  },
}
const TOLD = Object.fromEntries(Object.keys(HEADERS).map((name) => [name, { $ref: `#/components/headers/${name}` }]))

/** OpenAPI 3.1. A route whose body is not declared yet takes any object. */
export function openApiDocument(routes: readonly Route[]): object {
  const components: Components = new Map()
  // Parts of bodies that are not declared as a whole yet.
  for (const part of [Filter, Expression]) describe(part, components)
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.path.replace(PARAMETER, (_, name: string) => `{${QDRANTS[name] ?? name}}`)
    paths[path] ??= {}
    paths[path][route.method.toLowerCase()] = operationOf(route, components)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Vicinal',
      version: API_VERSION,
      description: 'Nearest neighbours as a service. The API is that of Qdrant; what goes beyond it says so.',
    },
    paths,
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      headers: HEADERS,
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'api-key', description: 'A key, or a token with `--jwt-rbac`.' },
        bearer: { type: 'http', scheme: 'bearer', description: 'The same. docs/tokens.md tells of tokens.' },
      },
    },
    security: [{}, { key: [] }, { bearer: [] }],
  }
}

function operationOf(route: Route, components: Components): object {
  const { method, path, summary, access, scope } = route
  const parameters = [
    ...[...path.matchAll(PARAMETER)].map(([, name = '']) => ({
      name: QDRANTS[name] ?? name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...queryParametersOf(route, components),
  ]
  return {
    ...(summary === undefined ? {} : { summary }),
    'x-vicinal-access': { access, scope },
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(NO_BODY.has(method) ? {} : { requestBody: requestBodyOf(route, components) }),
    responses: {
      200: {
        description: 'The result, in the envelope `{ result, status, time }`.',
        headers: TOLD,
        ...answerOf(route, components),
      },
      '4XX': {
        description: 'The request is refused, and nothing was changed. docs/errors.md has the codes.',
        headers: TOLD,
      },
    },
  }
}

function queryParametersOf({ parameters, work }: Route, components: Components): object[] {
  const declared = parameters ?? (work === 'read' ? ReadParameters : undefined)
  return Object.entries(declared?.properties ?? {}).map(([name, property]) => {
    const { description, ...schema } = describe(property, components) as { description?: string }
    return { name: snakeCase(name), in: 'query', required: false, description, schema }
  })
}

function answerOf({ answer }: Route, components: Components): object {
  if (answer === undefined) return {}
  const properties = {
    result: describe(answer, components),
    status: { type: 'string', enum: ['ok'] },
    time: { type: 'number', description: 'Seconds.' },
  }
  const schema = { type: 'object', properties, required: ['result', 'status', 'time'] }
  return { content: { 'application/json': { schema }, 'application/msgpack': { schema } } }
}

function requestBodyOf({ body, isUpload, isStream }: Route, components: Components): object {
  if (isStream) {
    const schema = { type: 'string', description: 'Rows, each a point as `PointStruct` has it.' }
    return { content: Object.fromEntries(INGEST_TYPES.map((type) => [type, { schema }])) }
  }
  if (isUpload) return { content: { 'multipart/form-data': { schema: { type: 'object' } } } }
  const schema = body === undefined ? { type: 'object' } : describe(body, components)
  return { content: { 'application/json': { schema }, 'application/msgpack': { schema } } }
}
