/**
 * Sends every operation in scope of Qdrant's API description, and validates each answer against the description's own
 * schema. The description is not part of this repository; where it is absent the test says so.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import { describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { type ApiRequest, FORM, OF_SNAPSHOTS, REFUSED, REQUESTS } from './openapi-requests.js'
import { type Answer, type Service, startService } from './service.js'

const SPEC = process.env.VICINAL_QDRANT_SPEC ?? ''

interface Operation {
  operationId: string
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}
interface Spec {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

/** Operations on several nodes: 501 with a reason, tested by test/contract/node.test.ts. */
const OF_CLUSTERS = [
  'recover_current_peer',
  'remove_peer',
  'update_collection_cluster',
  'create_shard_key',
  'delete_shard_key',
]

describe.skipIf(!existsSync(SPEC))('answers fit the API description', () => {
  const spec = existsSync(SPEC)
    ? (JSON.parse(readFileSync(SPEC, 'utf8')) as Spec)
    : ({ paths: {}, components: { schemas: {} } } as Spec)
  const operations = new Map(
    Object.values(spec.paths).flatMap((path) =>
      Object.values(path).map((operation) => [operation.operationId, operation]),
    ),
  )
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema({ $id: 'spec', components: jsonSchemaOf(spec.components) })

  it('of every operation in scope', async () => {
    const service = await startWithEngine()
    for (const request of REQUESTS) await check(service, request, '200')
    for (const request of REFUSED) await check(service, request, '4XX')
  })

  it('of every operation on snapshots', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vicinal-openapi-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const service = await startWithEngine(folder)
    for (const request of REQUESTS.slice(0, 12)) await service.call(...(request.slice(1) as [string, string]))
    let made = ''
    for (const [id, method, path, body] of OF_SNAPSHOTS) {
      const replaced = (text: string) =>
        text.replace('SNAPSHOT', made).replace('LOCATION', `file://${folder}/snapshots/${made}`)
      if (body === FORM) {
        const file = readFileSync(join(folder, 'snapshots', made))
        const [head = '', end = ''] = FORM.split('FILE')
        const form = Buffer.concat([Buffer.from(head), file, Buffer.from(end)])
        const answer = await service.call(method, path, form, { 'content-type': 'multipart/form-data; boundary=xxx' })
        expectFit(id, '200', answer, `${method} ${path}`)
        continue
      }
      const answer = await service.call(method, replaced(path), body && JSON.parse(replaced(JSON.stringify(body))))
      expectFit(id, '200', answer, `${method} ${path}`)
      if (id.startsWith('create')) made = (answer.json.result as { name: string }).name
    }
  })

  it('and no operation in scope is left out', () => {
    const asked = new Set([...REQUESTS, ...OF_SNAPSHOTS].map(([operationId]) => operationId))
    const unasked = [...operations.keys()].filter((id) => !asked.has(id) && !OF_CLUSTERS.includes(id))
    expect(unasked).toEqual([])
  })

  it('and a wrong answer would not', () => {
    const validate = validatorOf('get_collections', '200')
    expect(validate?.({ result: { collections: [{ name: 'a' }] }, status: 'ok', time: 0 })).toBe(true)
    expect(validate?.({ result: { collections: [{ title: 'a' }] }, status: 'ok', time: 0 })).toBe(false)
  })

  function validatorOf(id: string, outcome: '200' | '4XX'): ValidateFunction | null {
    const schema = operations.get(id)?.responses[outcome]?.content?.['application/json']?.schema
    return schema ? ajv.compile(absoluteRefs(jsonSchemaOf(schema))) : null
  }

  async function check(service: Service, [id, method, path, body]: ApiRequest, outcome: '200' | '4XX'): Promise<void> {
    expectFit(id, outcome, await service.call(method, path, body), `${method} ${path}`)
  }

  function expectFit(id: string, outcome: '200' | '4XX', answer: Answer, asked: string): void {
    const where = `${id}: ${asked} → ${answer.text.slice(0, 2000)}`
    expect(String(answer.status), where).toMatch(outcome === '200' ? /^200$/ : /^4/)
    const validate = validatorOf(id, outcome)
    if (!validate) return
    expect(validate(answer.json), `${where}\n${JSON.stringify(validate.errors?.slice(0, 5), null, 1)}`).toBe(true)
  }
})

async function startWithEngine(folder = ':memory:'): Promise<Service> {
  const database = await open(folder)
  onTestFinished(() => database.close())
  return startService({ database })
}

/** OpenAPI 3.0 says `nullable` where JSON Schema has the type `null`. */
function jsonSchemaOf<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(jsonSchemaOf) as T
  if (schema === null || typeof schema !== 'object') return schema
  const { nullable, ...rest } = schema as Record<string, unknown>
  const mapped = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, jsonSchemaOf(value)]))
  if (nullable !== true) return mapped as T
  return (Object.keys(mapped).length === 0 ? { type: 'null' } : { anyOf: [{ type: 'null' }, mapped] }) as T
}

function absoluteRefs(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"spec#/components')) as object
}
