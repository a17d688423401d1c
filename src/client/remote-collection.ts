import { CallOptions } from '../core/call-options.js'
import type {
  Collection,
  ColumnarPoints,
  Explained,
  ExplainedGroups,
  ExplainedMatrix,
  Hit,
  PointGroup,
  ScrollPage,
  Selector,
  StoredPoint,
  UpdateCondition,
  UpsertResult,
  WriteOperation,
  WriteResult,
} from '../core/database.js'
import { invalid } from '../core/errors.js'
import { givenIfAny } from '../core/given-options.js'
import { IngestOptions, type IngestResult, type IngestStream } from '../core/ingest.js'
import { andThen, type MaybePromise } from '../core/maybe-promise.js'
import { PayloadFieldSchema, type PayloadIndexKind, type PayloadIndexOptions } from '../core/payload-index.js'
import { PlainReads } from '../core/plain-reads.js'
import type { Payload, Point, PointId, PointVector } from '../core/point.js'
import { readOperations } from '../core/point-changes.js'
import type { QualityReports } from '../core/quality.js'
import {
  type FacetHit,
  FacetOptions,
  QueryGroupsOptions,
  QueryOptions,
  type SearchMatrix,
  SearchMatrixOptions,
} from '../core/query.js'
import type { Repair, RepairResult } from '../core/repair.js'
import { type CollectionInfo, ConfigChange, schemaOf, VectorNameConfig } from '../core/schema.js'
import { CountOptions, RetrieveOptions, ScrollOptions } from '../core/scroll.js'
import type { CollectionSnapshots } from '../core/snapshots.js'
import type { Untyped } from '../core/untyped.js'
import { type Batch, batchesOf, pointsOfOneWrite, writeBatches } from '../core/upsert-batches.js'
import { read } from '../core/vocabulary/reader.js'
import { tell } from '../core/vocabulary/teller.js'
import { PayloadOptions, UpsertOptions, VectorUpdateOptions, WriteOptions } from '../core/write-options.js'
import { isArrowTable, pointsOfArrow } from '../wire/arrow.js'
import { infoOfWire } from '../wire/collection-info.js'
import { encodeRequest } from '../wire/msgpack-request.js'
import {
  CountRequest,
  FacetRequest,
  PointRequest,
  QueryGroupsRequest,
  QueryRequest,
  ScrollRequest,
  SearchMatrixRequest,
} from '../wire/read-bodies.js'
import { aliasesOf, groupsOf, hitsOf, matrixOfOffsets, pageOf, planOf, pointsOf, writeResultOf } from './answers.js'
import { operationsRequest, upsertRequests } from './chunks.js'
import { sendStream } from './ingest.js'
import { RemoteQuality } from './remote-quality.js'
import { RemoteSnapshots } from './remote-snapshots.js'
import {
  bodyOf,
  EXPLAIN,
  positionOf,
  queriesIn,
  readAs,
  repairBody,
  repairedOf,
  selectorBody,
  vectorUpdatesBody,
  writePath,
} from './requests.js'
import type { RemoteRequest, Transport } from './transport.js'
import { encodedFor, withUnsent } from './unsent-points.js'

/** A collection of a service. */
export class RemoteCollection<P = Payload> extends PlainReads<P> implements Untyped<Collection<P>> {
  readonly name: string
  readonly #transport: Transport
  readonly #path: string
  readonly #maxBodyBytes: number
  readonly snapshots: CollectionSnapshots
  readonly #quality: RemoteQuality

  constructor(name: string, transport: Transport, maxBodyBytes: number) {
    super()
    this.name = name
    this.#transport = transport
    this.#path = `/collections/${encodeURIComponent(name)}`
    this.#maxBodyBytes = maxBodyBytes
    this.#quality = new RemoteQuality(transport, `${this.#path}/quality`)
    this.snapshots = new RemoteSnapshots(transport, `${this.#path}/snapshots`)
  }

  async info(call?: CallOptions): Promise<CollectionInfo> {
    return await this.#info(givenIfAny(CallOptions, call))
  }

  async #info(call: CallOptions | undefined): Promise<CollectionInfo> {
    return infoOfWire(this.name, await this.#send('GET', '', undefined, call))
  }

  async #rules(call: CallOptions) {
    return (await this.#info(call)).config.ingestion
  }

  async aliases(call?: CallOptions): Promise<string[]> {
    const told = givenIfAny(CallOptions, call)
    return aliasesOf(await this.#send('GET', '/aliases', undefined, told)).map(({ aliasName }) => aliasName)
  }

  async updateConfig(change: ConfigChange, call?: CallOptions): Promise<void> {
    const told = givenIfAny(CallOptions, call)
    const body = tell(ConfigChange, read(ConfigChange, change, 'library', 'change')) as object
    await this.#send('PATCH', '', body, told)
  }

  /** Points beyond the bound of one request go in several, each all or nothing on its own. */
  async upsert(
    points: Parameters<Collection<P>['upsert']>[0],
    options?: WriteOptions & UpdateCondition,
  ): Promise<UpsertResult> {
    const told = givenIfAny(UpsertOptions, options)
    if (points === null || typeof points !== 'object') throw invalid('points', 'expected points', points)
    const rows = isArrowTable(points) ? pointsOfArrow(points, schemaOf((await this.#info(told)).config)) : points
    // The points of one write are encoded before the call returns, since its caller may change them afterwards.
    const isOneWrite = pointsOfOneWrite(rows) !== null
    return await writeBatches(isOneWrite ? await this.#requestsOf(rows, 0, told) : this.#batchesOf(rows, told))
  }

  async *#batchesOf(points: unknown, options: WriteOptions & UpdateCondition): AsyncGenerator<Batch> {
    let first = 0
    for await (const [batch, count] of batchesOf(points)) {
      yield* await this.#requestsOf(batch, first, options)
      first += count
    }
  }

  /** Points that are in memory, as requests that are. */
  #requestsOf(points: unknown, first: number, options: WriteOptions & UpdateCondition): MaybePromise<Batch[]> {
    const path = writePath('/points', options)
    const rows = points as readonly Point<unknown>[] | ColumnarPoints
    const encode = (isJudged: boolean) => [...upsertRequests(rows, this.#maxBodyBytes, options, first, isJudged)]
    return andThen(
      encodedFor(encode, () => this.#rules(options)),
      (requests) =>
        requests.map(({ bytes, points: count, unsent }) => ({
          points: count,
          write: async () => withUnsent(writeResultOf(await this.#sendBytes('PUT', path, bytes, options)), unsent),
        })),
    )
  }

  async ingest(stream: IngestStream, options?: IngestOptions): Promise<IngestResult> {
    return await sendStream(this.#transport, `${this.#path}/ingest`, stream, givenIfAny(IngestOptions, options))
  }

  async ingestPosition(source: string, call?: CallOptions): Promise<number> {
    return positionOf(await this.#send('GET', `/ingest/${encodeURIComponent(source)}`, undefined, call))
  }

  async repair(repair: Repair, options?: WriteOptions): Promise<RepairResult> {
    const told = givenIfAny(WriteOptions, options)
    return repairedOf(await this.#send('POST', writePath('/ingest/repair', told), repairBody(repair), told))
  }

  readonly quality: QualityReports['quality'] = (options) => this.#quality.report(options)
  readonly qualityHistory: QualityReports['qualityHistory'] = (call) => this.#quality.history(call)
  readonly setQualityReference: QualityReports['setQualityReference'] = (reference, call) =>
    this.#quality.setReference(reference, call)
  readonly deleteQualityReference: QualityReports['deleteQualityReference'] = (call) =>
    this.#quality.deleteReference(call)
  readonly pairs: QualityReports['pairs'] = (options) => this.#quality.pairs(options)
  readonly neighbours: QualityReports['neighbours'] = (options) => this.#quality.neighbours(options)

  async updateVectors(
    points: readonly { id: PointId; vector: PointVector }[],
    options?: WriteOptions & Pick<UpdateCondition, 'updateFilter'>,
  ): Promise<WriteResult> {
    const told = givenIfAny(VectorUpdateOptions, options)
    return await this.#write('PUT', '/points/vectors', vectorUpdatesBody(points, told), told)
  }

  async deleteVectors(names: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    const told = givenIfAny(WriteOptions, options)
    return await this.#write('POST', '/points/vectors/delete', { vector: names, ...selectorBody(which) }, told)
  }

  async delete(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write('POST', '/points/delete', selectorBody(which), givenIfAny(WriteOptions, options))
  }

  async setPayload(
    payload: Partial<P>,
    which: Selector,
    options?: WriteOptions & { key?: string },
  ): Promise<WriteResult> {
    const { key, ...told } = givenIfAny(PayloadOptions, options)
    return await this.#write('POST', '/points/payload', { payload, key, ...selectorBody(which) }, told)
  }

  async overwritePayload(payload: P, which: Selector, options?: WriteOptions & { key?: string }): Promise<WriteResult> {
    const { key, ...told } = givenIfAny(PayloadOptions, options)
    return await this.#write('PUT', '/points/payload', { payload, key, ...selectorBody(which) }, told)
  }

  async deletePayload(keys: readonly string[], which: Selector, options?: WriteOptions): Promise<WriteResult> {
    const told = givenIfAny(WriteOptions, options)
    return await this.#write('POST', '/points/payload/delete', { keys, ...selectorBody(which) }, told)
  }

  async clearPayload(which: Selector, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write('POST', '/points/payload/clear', selectorBody(which), givenIfAny(WriteOptions, options))
  }

  async batch(operations: readonly WriteOperation<P>[], options?: WriteOptions): Promise<WriteResult[]> {
    const told = givenIfAny(WriteOptions, options)
    const given = readOperations<unknown>(operations)
    const encode = (isJudged: boolean) => operationsRequest(given, isJudged)
    const { bytes, unsent } = await encodedFor(encode, () => this.#rules(told))
    const results = await this.#sendBytes('POST', writePath('/points/batch', told), bytes, told)
    return (results as unknown[]).map((result, at) => withUnsent(writeResultOf(result), unsent[at]))
  }

  async retrieve(ids: readonly PointId[], asked: RetrieveOptions = {}): Promise<StoredPoint<P>[]> {
    const options = readAs<RetrieveOptions>(RetrieveOptions, asked)
    if (!Array.isArray(ids)) throw invalid('ids', 'expected an array of ids', ids)
    return pointsOf<P>(await this.#send('POST', '/points', bodyOf(PointRequest, { ids, ...options }), options), options)
  }

  async query(asked: QueryOptions): Promise<Hit<P>[]> {
    const query = readAs<QueryOptions>(QueryOptions, asked)
    return hitsOf<P>(await this.#ask('/points/query', bodyOf(QueryRequest, query), query), query)
  }

  async explain(asked: QueryOptions): Promise<Explained<P>> {
    const query = readAs<QueryOptions>(QueryOptions, asked)
    const result = await this.#send('POST', '/points/query', bodyOf(QueryRequest, query, EXPLAIN), query)
    return { hits: hitsOf<P>(result, query), plan: planOf(result) }
  }

  async queryBatch(asked: readonly QueryOptions[], options?: CallOptions): Promise<Hit<P>[][]> {
    const call = givenIfAny(CallOptions, options)
    const queries = queriesIn(asked, call)
    const searches = queries.map((query) => bodyOf(QueryRequest, query))
    const answers = await this.#ask('/points/query/batch', { searches }, call)
    return (answers as unknown[]).map((answer, i) => hitsOf<P>(answer, queries[i] ?? {}))
  }

  async explainBatch(asked: readonly QueryOptions[], options?: CallOptions): Promise<Explained<P>[]> {
    const call = givenIfAny(CallOptions, options)
    const queries = queriesIn(asked, call)
    const searches = queries.map((query) => bodyOf(QueryRequest, query, EXPLAIN))
    const answers = (await this.#send('POST', '/points/query/batch', { searches }, call)) as unknown[]
    return answers.map((answer, i) => ({ hits: hitsOf<P>(answer, queries[i] ?? {}), plan: planOf(answer) }))
  }

  async queryGroups(asked: QueryGroupsOptions): Promise<PointGroup<P>[]> {
    const query = readAs<QueryGroupsOptions>(QueryGroupsOptions, asked)
    const body = bodyOf(QueryGroupsRequest, query)
    return groupsOf<P>(await this.#send('POST', '/points/query/groups', body, query), query)
  }

  async explainGroups(asked: QueryGroupsOptions): Promise<ExplainedGroups<P>> {
    const query = readAs<QueryGroupsOptions>(QueryGroupsOptions, asked)
    const body = bodyOf(QueryGroupsRequest, query, EXPLAIN)
    const result = await this.#send('POST', '/points/query/groups', body, query)
    return { groups: groupsOf<P>(result, query), plan: planOf(result) }
  }

  async facet(asked: FacetOptions): Promise<FacetHit[]> {
    const options = readAs<FacetOptions>(FacetOptions, asked)
    const answer = await this.#send('POST', '/facet', bodyOf(FacetRequest, options), options)
    return (answer as { hits: FacetHit[] }).hits
  }

  async searchMatrix(asked: SearchMatrixOptions = {}): Promise<SearchMatrix> {
    return matrixOfOffsets(await this.#matrix(asked))
  }

  async explainMatrix(asked: SearchMatrixOptions = {}): Promise<ExplainedMatrix> {
    const result = await this.#matrix(asked, EXPLAIN)
    return { ...matrixOfOffsets(result), plan: planOf(result) }
  }

  async #matrix(asked: SearchMatrixOptions, more = {}): Promise<unknown> {
    const options = readAs<SearchMatrixOptions>(SearchMatrixOptions, asked)
    return await this.#send(
      'POST',
      '/points/search/matrix/offsets',
      bodyOf(SearchMatrixRequest, options, more),
      options,
    )
  }

  async scrollPage(asked: ScrollOptions = {}): Promise<ScrollPage<P>> {
    const options = readAs<ScrollOptions>(ScrollOptions, asked)
    return pageOf<P>(await this.#send('POST', '/points/scroll', bodyOf(ScrollRequest, options), options), options)
  }

  async count(asked: CountOptions = {}): Promise<number> {
    const options = readAs<CountOptions>(CountOptions, asked)
    const answer = await this.#send('POST', '/points/count', bodyOf(CountRequest, options), options)
    return (answer as { count: number }).count
  }

  async createPayloadIndex(
    field: string,
    schema: PayloadIndexKind | PayloadIndexOptions,
    options?: WriteOptions,
  ): Promise<WriteResult> {
    return await this.#write(
      'PUT',
      '/index',
      {
        field_name: field,
        field_schema: tell(PayloadFieldSchema, read(PayloadFieldSchema, schema, 'library', 'schema')),
      },
      givenIfAny(WriteOptions, options),
    )
  }

  async deletePayloadIndex(field: string, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write(
      'DELETE',
      `/index/${encodeURIComponent(field)}`,
      undefined,
      givenIfAny(WriteOptions, options),
    )
  }

  async createVectorName(name: string, config: VectorNameConfig, options?: WriteOptions): Promise<WriteResult> {
    const body = tell(VectorNameConfig, read(VectorNameConfig, config, 'library', 'config')) as object
    return await this.#write('PUT', `/vectors/${encodeURIComponent(name)}`, body, givenIfAny(WriteOptions, options))
  }

  async deleteVectorName(name: string, options?: WriteOptions): Promise<WriteResult> {
    return await this.#write(
      'DELETE',
      `/vectors/${encodeURIComponent(name)}`,
      undefined,
      givenIfAny(WriteOptions, options),
    )
  }

  async warm(call?: CallOptions): Promise<void> {
    await this.#long('warm', call)
  }

  async flush(call?: CallOptions): Promise<void> {
    await this.#long('flush', call)
  }

  async waitForIndex(call?: CallOptions): Promise<void> {
    await this.#long('wait-for-index', call)
  }

  async #long(verb: string, asked: CallOptions | undefined): Promise<void> {
    const call = givenIfAny(CallOptions, asked)
    await this.#transport.send({ method: 'POST', path: `${this.#path}/${verb}`, call, isLong: true })
  }

  async #write(
    method: RemoteRequest['method'],
    path: string,
    body: object | undefined,
    options: WriteOptions,
  ): Promise<WriteResult> {
    return writeResultOf(await this.#send(method, writePath(path, options), body, options))
  }

  async #send(
    method: RemoteRequest['method'],
    path: string,
    body: object | undefined,
    call: CallOptions | undefined,
  ): Promise<unknown> {
    return await this.#sendBytes(method, path, body && encodeRequest(body), call)
  }

  /** Sends a request of a kind that is repeated often. */
  async #ask(path: string, asked: object, call: CallOptions | undefined): Promise<unknown> {
    const body = encodeRequest(asked)
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
