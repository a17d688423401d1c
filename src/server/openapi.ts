/** The OpenAPI document of the service, made from its routes and from the declarations of their bodies. */
import type { TSchema } from 'typebox'
import { Filter } from '../core/filter.js'
import { Expression } from '../core/formula.js'
import { type Components, describe } from '../core/vocabulary/document.js'
import type { Route } from './call.js'
import { API_VERSION } from './versions.js'

const NO_BODY = new Set(['GET', 'DELETE'])
const PARAMETER = /:(\w+)/g

/** OpenAPI 3.1. A route whose body is not declared yet takes any object. */
export function openApiDocument(routes: readonly Route[]): object {
  const components: Components = new Map()
  // Parts of bodies that are not declared as a whole yet.
  for (const part of [Filter, Expression]) describe(part, components)
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    const path = route.path.replace(PARAMETER, '{$1}')
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
      securitySchemes: {
        key: { type: 'apiKey', in: 'header', name: 'api-key' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
    security: [{}, { key: [] }, { bearer: [] }],
  }
}

function operationOf({ method, path, summary, body, isUpload }: Route, components: Components): object {
  const names = [...path.matchAll(PARAMETER)].map(([, name]) => name as string)
  return {
    ...(summary === undefined ? {} : { summary }),
    ...(names.length > 0
      ? { parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })) }
      : {}),
    ...(NO_BODY.has(method) ? {} : { requestBody: requestBodyOf(body, isUpload === true, components) }),
    responses: {
      200: { description: 'The result, in the envelope `{ result, status, time }`.' },
      '4XX': { description: 'The request is refused, and nothing was changed. docs/errors.md has the codes.' },
    },
  }
}

function requestBodyOf(body: TSchema | undefined, isUpload: boolean, components: Components): object {
  if (isUpload) return { content: { 'multipart/form-data': { schema: { type: 'object' } } } }
  const schema = body === undefined ? { type: 'object' } : describe(body, components)
  return { content: { 'application/json': { schema }, 'application/msgpack': { schema } } }
}
