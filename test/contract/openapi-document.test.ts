/** The document at /openapi.json, against Qdrant's own description and the types of its client. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SCOPES } from '../../src/server/rights.js'
import { routeTable } from '../../src/server/routes/table.js'
import { startService } from './service.js'

const SPEC = process.env.VICINAL_QDRANT_SPEC ?? ''

interface Schema {
  $ref?: string
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  enum?: string[]
  anyOf?: Schema[]
  additionalProperties?: Schema | boolean
  description?: string
}
interface Operation {
  'x-vicinal-access'?: { access: string; scope: string }
  summary?: string
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

/** Our declaration, Qdrant's component of the same meaning, and the properties that are ours alone. */
const SAME: readonly [ours: string, qdrants: string, beyond: readonly string[]][] = [
  ['CollectionOptions', 'CreateCollection', ['ids', 'ingestion', 'quantization']],
  ['ConfigChange', 'UpdateCollection', ['ingestion', 'quantization', 'wal_config']],
  ['CollectionParams', 'CollectionParamsDiff', ['shard_number']],
  ['HnswConfig', 'HnswConfigDiff', ['recall']],
  ['OptimizersConfig', 'OptimizersConfigDiff', []],
  ['WalConfig', 'WalConfigDiff', []],
  ['StrictModeConfig', 'StrictModeConfig', []],
  ['VectorParams', 'VectorParams', ['quantization']],
  ['VectorChange', 'VectorParamsDiff', ['quantization']],
  ['MultivectorConfig', 'MultiVectorConfig', []],
  ['SparseVectorParams', 'SparseVectorParams', []],
  ['SparseIndexParams', 'SparseIndexParams', []],
  ['QuotaConfig', 'QuotaConfig', []],
  ...[
    'DivParams',
    'PowParams',
    'DecayParamsExpression',
    'GeoDistanceParams',
    'ExpDecayExpression',
    'DatetimeKeyExpression',
    'Filter',
    'MinShould',
    'FieldCondition',
    'IsEmptyCondition',
    'IsNullCondition',
    'HasIdCondition',
    'HasVectorCondition',
    'SliceCondition',
    'Slice',
    'NestedCondition',
    'Nested',
    'Range',
    'ValuesCount',
    'GeoPoint',
    'GeoBoundingBox',
    'GeoRadius',
    'GeoPolygon',
    'GeoLineString',
  ].map((name): (typeof SAME)[number] => [name, name, []]),
  ...[
    'PointStruct',
    'PointVectors',
    'Batch',
    'SparseVector',
    'Document',
    'ChangeAliasesOperation',
    'CreateAlias',
    'DeleteAlias',
    'RenameAlias',
    'CreateFieldIndex',
    'KeywordIndexParams',
    'IntegerIndexParams',
    'FloatIndexParams',
    'BoolIndexParams',
    'DatetimeIndexParams',
    'UuidIndexParams',
    'GeoIndexParams',
    'TextIndexParams',
    'StopwordsSet',
  ].map((name): (typeof SAME)[number] => [name, name, []]),
  ['QueryRequest', 'QueryRequest', ['explain', 'recall']],
  ['QueryGroupsRequest', 'QueryGroupsRequest', ['explain', 'recall']],
  ['Prefetch', 'Prefetch', ['recall']],
  ['QueryParams', 'SearchParams', ['recall']],
  ['QuantizationParams', 'QuantizationSearchParams', []],
  ['AcornParams', 'AcornSearchParams', []],
  ['LookupLocation', 'LookupLocation', []],
  ['WithLookup', 'WithLookup', []],
  ['OrderBy', 'OrderBy', []],
  ['Mmr', 'Mmr', []],
  ['Rrf', 'Rrf', []],
  ['RecommendInput', 'RecommendInput', []],
  ['ContextPair', 'ContextPair', []],
  ['FeedbackItem', 'FeedbackItem', []],
  ['RelevanceFeedbackInput', 'RelevanceFeedbackInput', []],
  ['FacetRequest', 'FacetRequest', []],
  ['SearchMatrixRequest', 'SearchMatrixRequest', ['explain']],
  ['ScrollRequest', 'ScrollRequest', []],
  ['PointRequest', 'PointRequest', []],
  ['CountRequest', 'CountRequest', []],
  ['PayloadChange', 'SetPayload', []],
  ['PayloadRemoval', 'DeletePayload', []],
  ['VectorRemoval', 'DeleteVectors', []],
  ['VectorUpdates', 'UpdateVectors', []],
  ['PointChanges', 'UpdateOperations', []],
  ['SnapshotRecovery', 'SnapshotRecover', ['replace']],
]

async function documentOf(): Promise<Document> {
  const service = await startService()
  const { status, text } = await service.call('GET', '/openapi.json')
  expect(status, text).toBe(200)
  return JSON.parse(text) as Document
}

describe('the document', () => {
  it('refers to components that it has, and describes each property of them', async () => {
    const document = await documentOf()
    expect(document.openapi).toBe('3.1.0')
    const { schemas } = document.components
    const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
    expect(refs.length).toBeGreaterThan(20)
    for (const name of refs) expect(schemas[name as string], name).toBeDefined()
    for (const [name, { properties = {} }] of Object.entries(schemas)) {
      for (const [key, property] of Object.entries(properties)) {
        expect(property.$ref ?? property.description, `${name}.${key}`).toBeTruthy()
      }
    }
  })

  it('has the bodies in the spelling of the wire, for both formats', async () => {
    const { paths } = await documentOf()
    const { content = {} } = paths['/collections/{collection_name}']?.put?.requestBody ?? {}
    expect(Object.keys(content)).toEqual(['application/json', 'application/msgpack'])
    expect(content['application/json']?.schema).toEqual({ $ref: '#/components/schemas/CollectionOptions' })
  })

  it('says what each route that writes does, takes and answers', async () => {
    const { paths } = await documentOf()
    const { put } = paths['/collections/{collection_name}/points'] ?? {}
    expect(put).toMatchObject({ summary: 'Writes points.' })
    expect(parametersOf(put as Operation)).toEqual([
      'path collection_name',
      'query wait',
      'query ordering',
      'query after',
      'query timeout',
    ])
    expect(JSON.stringify(put)).toContain('#/components/schemas/UpdateResult')
  })

  it('tells of each operation the access and the scope by which its callers are judged', async () => {
    const { paths } = await documentOf()
    const told = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { 'x-vicinal-access': mark }]) => ({
        where: `${method} ${path}`,
        mark,
      })),
    )
    expect(told.length).toBeGreaterThan(70)
    for (const { where, mark } of told) {
      expect(['open', 'read', 'write'], where).toContain(mark?.access)
      expect(SCOPES, where).toContain(mark?.scope)
    }
    const known = new Map(told.map(({ where, mark }) => [unnamed(where), mark]))
    for (const { method, path, access, scope } of routeTable({} as never)) {
      const where = unnamed(`${method.toLowerCase()} ${path}`)
      if (known.has(where)) expect(known.get(where), where).toEqual({ access, scope })
    }
  })

  it('is for those who may read', async () => {
    const service = await startService({ apiKeys: ['a-key-of-sixteen-letters'], readOnlyApiKeys: [] })
    expect((await service.call('GET', '/openapi.json')).status).toBe(401)
  })
})

describe.skipIf(!existsSync(SPEC))("against Qdrant's description", () => {
  it('tells the headers that answers have', async () => {
    const { call } = await startService()
    const id = 'of-a-client'
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { json, headers } = await call('GET', '/openapi.json', undefined, { 'x-request-id': id, traceparent })
    expect([headers['x-request-id'], headers.traceresponse]).toEqual([id, traceparent])
    const { components, paths } = json as unknown as {
      components: { headers: object }
      paths: Record<string, Record<string, { responses: Record<string, { headers: object }> }>>
    }
    const names = ['traceresponse', 'x-request-id']
    expect(Object.keys(components.headers).sort()).toEqual(names)
    const { 200: ok, '4XX': refused } = paths['/collections']?.get?.responses ?? {}
    for (const answer of [ok, refused]) expect(Object.keys(answer?.headers ?? {}).sort()).toEqual(names)
  })

  it('has its paths and their parameters', async () => {
    const { paths } = await documentOf()
    const spec = (JSON.parse(readFileSync(SPEC, 'utf8')) as Document).paths
    const lacking = Object.entries(spec).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, operation]) => {
        const ours = paths[path]?.[method]
        if (ours === undefined) return `${method} ${path}`
        const known = parametersOf(ours)
        return parametersOf(operation).flatMap((one) => (known.includes(one) ? [] : `${method} ${path}: ${one}`))
      }),
    )
    expect(lacking).toEqual(['delete /cluster/peer/{peer_id}: query force'])
  })

  it.each(SAME)('%s has the properties of %s', async (ours, qdrants, beyond) => {
    const { schemas } = (await documentOf()).components
    const spec = (JSON.parse(readFileSync(SPEC, 'utf8')) as Document).components.schemas
    const declared = schemas[ours]?.properties ?? {}
    const theirs = spec[qdrants]?.properties ?? {}
    expect(Object.keys(declared).sort()).toEqual([...Object.keys(theirs), ...beyond].sort())
    expect(new Set(schemas[ours]?.required)).toEqual(new Set(spec[qdrants]?.required))
    for (const [key, property] of Object.entries(theirs)) {
      const words = wordsOf(property, spec)
      if (words.length > 0)
        expect(wordsOf(declared[key] as Schema, schemas), key).toEqual(expect.arrayContaining(words))
    }
  })
})

/** A route without the names of the parts of its path. */
function unnamed(route: string): string {
  return route.replaceAll(/:\w+|\{\w+\}/g, '*')
}

function parametersOf({ parameters = [] }: Operation): string[] {
  return parameters.map((parameter) => `${parameter.in} ${parameter.name}`)
}

/** The texts that a property may be, if it may be one of some. */
function wordsOf(schema: Schema, schemas: Record<string, Schema>): string[] {
  const name = schema.$ref?.split('/').at(-1)
  if (name !== undefined) return wordsOf(schemas[name] as Schema, schemas)
  return [...(schema.enum ?? []), ...(schema.anyOf ?? []).flatMap((one) => wordsOf(one, schemas))]
}
