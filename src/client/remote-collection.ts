import type {
  CallOptions,
  Collection,
  ColumnarPoints,
  Explained,
  ExplainedGroups,
  ExplainedMatrix,
  Hit,
  PointGroup,
  QueryOptions,
  RetrieveOptions,
  ScrollOptions,
  ScrollPage,
  Selector,
  StoredPoint,
  UpdateCondition,
  UpsertResult,
  WriteOperation,
  WriteOptions,
  WriteResult,
} from '../core/database.js'
import { invalid } from '../core/errors.js'
import type { Filter } from '../core/filter.js'
import { checkIfGiven, checkKnown } from '../core/known-keys.js'
import { checkOperations, KNOWN_CALL, KNOWN_READ, KNOWN_WRITE } from '../core/known-options.js'
import type { PayloadIndexKind, PayloadIndexOptions } from '../core/payload-index.js'
import { PlainReads } from '../core/plain-reads.js'
import type { Payload, Point, PointId, PointVector } from '../core/point.js'
import type { FacetHit, FacetOptions, QueryGroupsOptions, SearchMatrix, SearchMatrixOptions } from '../core/query.js'
import { type CollectionInfo, ConfigChange, VectorNameConfig } from '../core/schema.js'
import type { CollectionSnapshots } from '../core/snapshots.js'
import type { Untyped } from '../core/untyped.js'
import { type Batch, gathered, isIterable, writeBatches } from '../core/upsert-batches.js'
import { read } from '../core/vocabulary/reader.js'
import { tell } from '../core/vocabulary/teller.js'
import { isArrowTable, pointsOfArrow } from '../wire/arrow.js'
import { infoOfWire } from '../wire/collection-info.js'
import { encodeMsgpack } from '../wire/msgpack-encoder.js'
import { wireIndexSchema } from '../wire/payload-index.js'
import { aliasesOf } from './aliases.js'
import { groupsOf, hitsOf, matrixOfOffsets, pageOf, pointsOf, writeResultOf } from './answers.js'
import { upsertRequests } from './chunks.js'
import { planOf } from './plans.js'
import { facetBody, matrixBody, queryBody, queryGroupsBody } from './query-bodies.js'
import { RemoteSnapshots } from './remote-snapshots.js'
import { operationBody, payloadBody, retrieveBody, scrollBody, selectorBody, vectorUpdateBody } from './requests.js'
import type { RemoteRequest, Transport } from './transport.js'

/** A collection of a service. */
export class RemoteCollection<P = Payload> extends PlainReads<P> implements Untyped<Collection<P>> {
  readonly name: string
  readonly #transport: Transport
  readonly #path: string
  readonly #maxBodyBytes: number
  readonly snapshots: CollectionSnapshots

  constructor(name: string, transport: Transport, maxBodyBytes: number) {
    super()
    this.name = name
    this.#transport = transport
    this.#path = `/collections/${encodeURIComponent(name)}`
    this.#maxBodyBytes = maxBodyBytes
    this.snapshots = new RemoteSnapshots(transport, `${this.#path}/snapshots`)
  }

  async info(call?: CallOptions): Promise<CollectionInfo> {
    checkIfGiven(call, KNOWN_CALL)
    return await this.#info(call)
  }

  async #info(call: CallOptions | undefined): Promise<CollectionInfo> {
    return infoOfWire(this.name, await this.#send('GET', '', undefined, call))
  }

  async aliases(call?: CallOptions): Promise<string[]> {
    checkIfGiven(call, KNOWN_CALL)
    return aliasesOf(await this.#send('GET', '/aliases', undefined, call)).map(({ aliasName }) => aliasName)
  }

  async updateConfig(change: ConfigChange, call?: CallOptions): Promise<void> {
    checkIfGiven(call, KNOWN_CALL)
    const body = tell(ConfigChange, read(ConfigChange, change, 'library', 'change')) as object
    await this.#send('PATCH', '', body, call)
  }

  /** Points beyond the bound of one request go in several, each all or nothing on its own. */
  async upsert(
    points: Parameters<Collection<P>['upsert']>[0],
    options?: WriteOptions & UpdateCondition,
  ): Promise<UpsertResult> {
    checkIfGiven(options, KNOWN_WRITE.upsert)
    if (points === null || typeof points !== 'object') throw invalid('points', 'expected points', points)
    const rows = isArrowTable(points) ? pointsOfArrow(points, (await this.#info(options)).config.vectors) : points
    return await writeBatches(this.#batchesOf(rows, options))
  }

  async *#batchesOf(points: unknown, options: (WriteOptions & UpdateCondition) | undefined): AsyncGenerator<Batch> {
    let first = 0
    for await (const batch of isIterable(points) ? gathered(points) : [points]) {
      const rows = batch as readonly Point<unknown>[] | ColumnarPoints
      for (const { bytes, points: count } of upsertRequests(rows, this.#maxBodyBytes, options, first)) {
        const path = writePath('/points', options)
        yield { points: count, write: async () => writeResultOf(await this.#sendBytes('PUT', path, bytes, options)) }
      }
      if (Array.isArray(batch)) first += batch.length
    }
  }

  async updateVectors(
    points: readonly { id: PointId; vector: PointVector }[],
    options?: WriteOptions & Pick<UpdateCondition, 'updateFilter'>,
  ): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.updateVectors)
    const body = {
      points: points.map((point, i) => vectorUpdateBody(point, `points[${i}]`)),
      update_filter: options?.updateFilter ?? undefined,
    }
    return await this.#write('PUT', '/points/vectors', body, options)
  }

  async deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    return await this.#write('POST', '/points/vectors/delete', { vector: names, ...selectorBody(which) }, options)
  }

  async delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    return await this.#write('POST', '/points/delete', selectorBody(which), options)
  }

  async setPayload(
    payload: Partial<P>,
    which: Selector,
    options?: WriteOptions & { key?: string },
  ): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.payload)
    return await this.#write('POST', '/points/payload', payloadBody({ payload, which, key: options?.key }), options)
  }

  async overwritePayload(payload: P, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.payload)
    return await this.#write('PUT', '/points/payload', payloadBody({ payload, which, key: options?.key }), options)
  }

  async deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    return await this.#write('POST', '/points/payload/delete', { keys, ...selectorBody(which) }, options)
  }

  async clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    return await this.#write('POST', '/points/payload/clear', selectorBody(which), options)
  }

  async batch(operations: readonly WriteOperation<P>[], options?: WriteOptions): Promise<WriteResult[]> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    if (!Array.isArray(operations)) throw invalid('operations', 'expected an array of operations', operations)
    checkOperations(operations)
    const body = { operations: operations.map((one, i) => operationBody(one as WriteOperation<unknown>, i)) }
    const results = await this.#send('POST', writePath('/points/batch', options), body, options)
    return (results as unknown[]).map(writeResultOf)
  }

  async retrieve(ids: readonly PointId[], options: RetrieveOptions = {}): Promise<StoredPoint<P>[]> {
    checkKnown(options, KNOWN_READ.retrieve)
    return pointsOf<P>(await this.#send('POST', '/points', retrieveBody(ids, options), options), options)
  }

  async query(query: QueryOptions): Promise<Hit<P>[]> {
    checkKnown(query, KNOWN_READ.query)
    return hitsOf<P>(await this.#ask('/points/query', queryBody(query), query), query)
  }

  async explain(query: QueryOptions): Promise<Explained<P>> {
    checkKnown(query, KNOWN_READ.query)
    const result = await this.#send('POST', '/points/query', { ...queryBody(query), explain: true }, query)
    return { hits: hitsOf<P>(result, query), plan: planOf(result) }
  }

  async queryBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Hit<P>[][]> {
    checkBatch(queries, call)
    const answers = await this.#ask('/points/query/batch', { searches: queries.map(queryBody) }, call)
    return (answers as unknown[]).map((answer, i) => hitsOf<P>(answer, queries[i] ?? {}))
  }

  async explainBatch(queries: readonly QueryOptions[], call?: CallOptions): Promise<Explained<P>[]> {
    checkBatch(queries, call)
    const searches = queries.map((query) => ({ ...queryBody(query), explain: true }))
    const answers = (await this.#send('POST', '/points/query/batch', { searches }, call)) as unknown[]
    return answers.map((answer, i) => ({ hits: hitsOf<P>(answer, queries[i] ?? {}), plan: planOf(answer) }))
  }

  async queryGroups(query: QueryGroupsOptions): Promise<PointGroup<P>[]> {
    checkKnown(query, KNOWN_READ.groups)
    return groupsOf<P>(await this.#send('POST', '/points/query/groups', queryGroupsBody(query), query), query)
  }

  async explainGroups(query: QueryGroupsOptions): Promise<ExplainedGroups<P>> {
    checkKnown(query, KNOWN_READ.groups)
    const body = { ...queryGroupsBody(query), explain: true }
    const result = await this.#send('POST', '/points/query/groups', body, query)
    return { groups: groupsOf<P>(result, query), plan: planOf(result) }
  }

  async facet(options: FacetOptions): Promise<FacetHit[]> {
    checkKnown(options, KNOWN_READ.facet)
    return ((await this.#send('POST', '/facet', facetBody(options), options)) as { hits: FacetHit[] }).hits
  }

  async searchMatrix(options: SearchMatrixOptions = {}): Promise<SearchMatrix> {
    checkKnown(options, KNOWN_READ.matrix)
    const result = await this.#send('POST', '/points/search/matrix/offsets', matrixBody(options), options)
    return matrixOfOffsets(result)
  }

  async explainMatrix(options: SearchMatrixOptions = {}): Promise<ExplainedMatrix> {
    checkKnown(options, KNOWN_READ.matrix)
    const body = { ...matrixBody(options), explain: true }
    const result = await this.#send('POST', '/points/search/matrix/offsets', body, options)
    return { ...matrixOfOffsets(result), plan: planOf(result) }
  }

  async scrollPage(options: ScrollOptions = {}): Promise<ScrollPage<P>> {
    checkKnown(options, KNOWN_READ.scroll)
    return pageOf<P>(await this.#send('POST', '/points/scroll', scrollBody(options), options), options)
  }

  async count(options: { filter?: Filter | null; exact?: boolean } & CallOptions = {}): Promise<number> {
    checkKnown(options, KNOWN_READ.count)
    const body = { filter: options.filter ?? undefined, exact: options.exact }
    return ((await this.#send('POST', '/points/count', body, options)) as { count: number }).count
  }

  async createPayloadIndex(
    field: string,
    schema: PayloadIndexKind | PayloadIndexOptions,
    options?: WriteOptions,
  ): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    return await this.#write('PUT', '/index', { field_name: field, field_schema: wireIndexSchema(schema) }, options)
  }

  async deletePayloadIndex(field: string, options?: WriteOptions): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    return await this.#write('DELETE', `/index/${encodeURIComponent(field)}`, undefined, options)
  }

  async createVectorName(name: string, config: VectorNameConfig, options?: WriteOptions): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    const body = tell(VectorNameConfig, read(VectorNameConfig, config, 'library', 'config')) as object
    return await this.#write('PUT', `/vectors/${encodeURIComponent(name)}`, body, options)
  }

  async deleteVectorName(name: string, options?: WriteOptions): Promise<WriteResult> {
    checkIfGiven(options, KNOWN_WRITE.plain)
    return await this.#write('DELETE', `/vectors/${encodeURIComponent(name)}`, undefined, options)
  }

  async warm(call?: CallOptions): Promise<void> {
    checkIfGiven(call, KNOWN_CALL)
    await this.#transport.send({ method: 'POST', path: `${this.#path}/warm`, call, isLong: true })
  }

  async flush(call?: CallOptions): Promise<void> {
    checkIfGiven(call, KNOWN_CALL)
    await this.#transport.send({ method: 'POST', path: `${this.#path}/flush`, call, isLong: true })
  }

  async waitForIndex(call?: CallOptions): Promise<void> {
    checkIfGiven(call, KNOWN_CALL)
    await this.#transport.send({ method: 'POST', path: `${this.#path}/wait-for-index`, call, isLong: true })
  }

  async #write(
    method: RemoteRequest['method'],
    path: string,
    body: object | undefined,
    options: WriteOptions | undefined,
  ): Promise<WriteResult> {
    return writeResultOf(await this.#send(method, writePath(path, options), body, options))
  }

  async #send(
    method: RemoteRequest['method'],
    path: string,
    body: object | undefined,
    call: CallOptions | undefined,
  ): Promise<unknown> {
    return await this.#sendBytes(method, path, body && encodeMsgpack(body, { rawJson: 'text' }), call)
  }

  /** Sends a request of a kind that is repeated often. */
  async #ask(path: string, asked: object, call: CallOptions | undefined): Promise<unknown> {
    const body = encodeMsgpack(asked, { rawJson: 'text' })
    return await this.#transport.send({ method: 'POST', path: this.#path + path, body, call, isFrequent: true })
  }

  async #sendBytes(
    method: RemoteRequest['method'],
    path: string,
    body: Buffer | undefined,
    call: CallOptions | undefined,
  ): Promise<unknown> {
    return await this.#transport.send({ method, path: this.#path + path, call, ...(body ? { body } : {}) })
  }
}

function checkBatch(queries: readonly QueryOptions[], call: CallOptions | undefined): void {
  checkIfGiven(call, KNOWN_CALL)
  if (!Array.isArray(queries)) throw invalid('searches', 'expected an array of queries', queries)
  for (const [i, query] of queries.entries()) checkKnown(query, KNOWN_READ.query, `queries[${i}].`)
}

/** In the library a write waits by default; over HTTP it does not. */
function writePath(path: string, options: WriteOptions | undefined): string {
  return `${path}?wait=${options?.wait ?? true}`
}
