/**
 * Runs published frameworks that speak Qdrant's REST API, unmodified, against the service. Embeddings are counts of
 * letters, so the nearest texts are known.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Document } from '@langchain/core/documents'
import { Embeddings } from '@langchain/core/embeddings'
import { QdrantVectorStore as LangchainStore } from '@langchain/qdrant'
import { BaseEmbedding } from '@llamaindex/core/embeddings'
import { TextNode } from '@llamaindex/core/schema'
import { FilterCondition, FilterOperator, VectorStoreQueryMode } from '@llamaindex/core/vector-store'
import { QdrantVectorStore as LlamaStore } from '@llamaindex/qdrant'
import { QdrantVector } from '@mastra/qdrant'
import { QdrantClient as Client115 } from 'js-client-rest-1.15'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { open } from '../../src/index.js'
import { startService } from '../contract/service.js'

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const API_KEY = 'secret'

let url: string
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'vicinal-frameworks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const database = await open(folder)
  onTestFinished(() => database.close())
  url = (await startService({ database, apiKeys: [API_KEY] })).url
})

function embed(text: string): number[] {
  const counts = Array.from(LETTERS, (letter) => text.split(letter).length - 1)
  return counts.map((count) => count + 0.01)
}

class LetterEmbeddings extends Embeddings {
  async embedDocuments(texts: string[]): Promise<number[][]> {
    return texts.map(embed)
  }
  async embedQuery(text: string): Promise<number[]> {
    return embed(text)
  }
}

const TEXTS = ['banana', 'bandana', 'cherry', 'zebra', 'fizz buzz']

describe('LangChain', () => {
  const store = () =>
    LangchainStore.fromTexts(
      TEXTS,
      TEXTS.map((text) => ({ length: text.length, first: text[0] })),
      new LetterEmbeddings({}),
      { url, apiKey: API_KEY, collectionName: 'langchain' },
    )

  it('adds texts and finds the most similar, with scores and metadata', async () => {
    const found = await (await store()).similaritySearchWithScore('banana', 2)
    expect(found.map(([document]) => document.pageContent)).toEqual(['banana', 'bandana'])
    expect(found[0]?.[1]).toBeCloseTo(1, 5)
    expect(found[0]?.[0].metadata).toEqual({ length: 6, first: 'b' })
  })

  it('filters by metadata', async () => {
    const filter = { must: [{ key: 'metadata.length', range: { gt: 6 } }] }
    const found = await (await store()).similaritySearch('banana', 5, filter)
    expect(found.map((document) => document.pageContent)).toEqual(['bandana', 'fizz buzz'])
  })

  it('trades similarity for diversity (MMR)', async () => {
    const diverse = await (await store()).maxMarginalRelevanceSearch('banana', { k: 2, fetchK: 5, lambda: 0.9 })
    expect(diverse.map((document) => document.pageContent)).toEqual([
      'banana',
      expect.stringMatching(/cherry|zebra|fizz/),
    ])
  })

  it('replaces and deletes documents by id and by filter', async () => {
    const langchain = await store()
    const id = 'a3d7c3a5-58a0-4a4c-8a62-3d4f0b9ad001'
    await langchain.addDocuments([new Document({ pageContent: 'quartz', metadata: {}, id })])
    expect((await langchain.similaritySearch('quartz', 1))[0]).toMatchObject({ pageContent: 'quartz', id })
    await langchain.delete({ ids: [id] })
    await langchain.delete({ filter: { must: [{ key: 'metadata.first', match: { value: 'b' } }] } })
    const left = await langchain.similaritySearch('banana', 10)
    expect(left.map((document) => document.pageContent).sort()).toEqual(['cherry', 'fizz buzz', 'zebra'])
  })
})

class LetterModel extends BaseEmbedding {
  // Public here; private in the base class.
  constructor() {
    super()
  }
  override getTextEmbedding = async (text: string) => embed(text)
}

describe('LlamaIndex', () => {
  const ids = TEXTS.map((_, i) => `a3d7c3a5-58a0-4a4c-8a62-3d4f0b9ad10${i}`)

  async function filled(): Promise<LlamaStore> {
    const embeddingModel = new LetterModel()
    const store = new LlamaStore({ url, apiKey: API_KEY, collectionName: 'llama', embeddingModel })
    const nodes = TEXTS.map((text, i) => {
      const node = new TextNode({ id_: ids[i] as string, text, metadata: { first: text[0], length: text.length } })
      node.embedding = embed(text)
      return node
    })
    expect(await store.add(nodes)).toEqual(ids)
    return store
  }

  const mode = VectorStoreQueryMode.DEFAULT
  const asked = (similarityTopK: number) => ({ queryEmbedding: embed('banana'), similarityTopK, mode })

  it('adds nodes and finds the most similar', async () => {
    const { ids: found, similarities, nodes } = await (await filled()).query(asked(2))
    expect(found).toEqual(ids.slice(0, 2))
    expect(similarities[0]).toBeCloseTo(1, 5)
    expect(nodes?.map((node) => (node as TextNode).text)).toEqual(['banana', 'bandana'])
  })

  it('filters by metadata with every operator it has', async () => {
    const store = await filled()
    const cases = [
      [FilterOperator.EQ, 'first', 'z', ['zebra']],
      [FilterOperator.EQ, 'length', 6, ['banana', 'cherry']],
      [FilterOperator.NE, 'first', 'b', ['cherry', 'zebra', 'fizz buzz']],
      [FilterOperator.GT, 'length', 6, ['bandana', 'fizz buzz']],
      [FilterOperator.LTE, 'length', 5, ['zebra']],
      [FilterOperator.IN, 'first', ['z', 'c'], ['cherry', 'zebra']],
      [FilterOperator.NIN, 'first', ['b', 'z'], ['cherry', 'fizz buzz']],
      [FilterOperator.TEXT_MATCH, 'first', 'f', ['fizz buzz']],
    ] as const
    for (const [operator, key, value, expected] of cases) {
      const filters = { filters: [{ key, value: value as never, operator }], condition: FilterCondition.AND }
      const { nodes } = await store.query({ ...asked(10), filters })
      expect(nodes?.map((node) => (node as TextNode).text).sort(), operator).toEqual([...expected].sort())
    }
  })
})

describe('Mastra', () => {
  async function filled(): Promise<QdrantVector> {
    const store = new QdrantVector({ id: 'tests', url, apiKey: API_KEY })
    await store.createIndex({ indexName: 'mastra', dimension: LETTERS.length, metric: 'cosine' })
    await store.upsert({
      indexName: 'mastra',
      vectors: TEXTS.map(embed),
      metadata: TEXTS.map((text, i) => ({ text, length: text.length, tags: [text[0]], place: { lon: i, lat: 10 } })),
      ids: ['1', '2', '3', '4', '5'].map((id) => Number(id)) as never,
    })
    return store
  }

  const textsOf = (found: readonly { metadata?: Record<string, unknown> }[]) =>
    found.map(({ metadata }) => metadata?.text)

  it('makes, describes and lists indexes', async () => {
    const store = await filled()
    expect(await store.describeIndex({ indexName: 'mastra' })).toEqual({ dimension: 26, count: 5, metric: 'cosine' })
    expect(await store.listIndexes()).toEqual(['mastra'])
    // Creating it again finds the existing index.
    await store.createIndex({ indexName: 'mastra', dimension: LETTERS.length, metric: 'cosine' })
    await store.deleteIndex({ indexName: 'mastra' })
    expect(await store.listIndexes()).toEqual([])
  })

  it('finds the most similar, with its own language of filters', async () => {
    const store = await filled()
    const find = async (filter?: object) => {
      const options = { indexName: 'mastra', queryVector: embed('banana'), topK: 5 }
      return textsOf(await store.query(filter ? { ...options, filter: filter as never } : options))
    }
    expect((await find()).slice(0, 2)).toEqual(['banana', 'bandana'])
    expect(await find({ length: { $gt: 6 } })).toEqual(['bandana', 'fizz buzz'])
    expect((await find({ tags: { $in: ['c', 'z'] } })).sort()).toEqual(['cherry', 'zebra'])
    expect(await find({ $and: [{ length: 6 }, { tags: 'c' }] })).toEqual(['cherry'])
    expect(await find({ text: { $regex: 'fizz' } })).toEqual(['fizz buzz'])
    expect(await find({ $hasId: [3] })).toEqual(['cherry'])
    const near = { type: 'radius', center: { lon: 0, lat: 10 }, radius: 150_000 }
    expect((await find({ place: { $geo: near } })).sort()).toEqual(['banana', 'bandana'])
  })

  it('updates and deletes by id and by filter', async () => {
    const store = await filled()
    const indexName = 'mastra'
    await store.updateVector({ indexName, id: '3', update: { metadata: { text: 'kirsche' } } })
    await store.updateVector({ indexName, filter: { length: 5 }, update: { metadata: { text: 'okapi' } } })
    await store.deleteVector({ indexName, id: '1' })
    await store.deleteVectors({ indexName, ids: ['2'] })
    const found = await store.query({ indexName, queryVector: embed('banana'), topK: 5 })
    expect(textsOf(found).sort()).toEqual(['fizz buzz', 'kirsche', 'okapi'])
  })

  it('makes and drops payload indexes', async () => {
    const store = await filled()
    await store.createPayloadIndex({ indexName: 'mastra', fieldName: 'text', fieldSchema: 'keyword' })
    await store.createPayloadIndex({ indexName: 'mastra', fieldName: 'length', fieldSchema: 'integer' })
    await store.deletePayloadIndex({ indexName: 'mastra', fieldName: 'text' })
  })
})

describe("Qdrant's client of 1.15", () => {
  const client = () => new Client115({ url, headers: { 'api-key': API_KEY } })

  it('knows the service and searches by the paths of its time', async () => {
    const qdrant = client()
    await qdrant.createCollection('old', { vectors: { size: 2, distance: 'Euclid' } })
    const points = [1, 2, 3, 4, 5].map((id) => ({
      id,
      vector: [0, id],
      payload: { even: id % 2 === 0, group: id % 3 },
    }))
    await qdrant.upsert('old', { wait: true, points })
    const found = await qdrant.search('old', { vector: [0, 2.2], limit: 2, with_payload: true })
    expect(found.map(({ id }) => id)).toEqual([2, 3])
    expect(found[0]?.payload).toEqual({ even: true, group: 2 })
    const [first, second] = await qdrant.searchBatch('old', {
      searches: [
        { vector: [0, 1], limit: 1 },
        { vector: [0, 5], limit: 1, filter: { must: [{ key: 'even', match: { value: true } }] } },
      ],
    })
    expect([first?.[0]?.id, second?.[0]?.id]).toEqual([1, 4])
    const { groups } = await qdrant.searchPointGroups('old', {
      vector: [0, 1],
      group_by: 'group',
      limit: 3,
      group_size: 1,
    })
    expect(groups.map(({ id, hits }) => [id, hits[0]?.id])).toEqual([
      [1, 1],
      [2, 2],
      [0, 3],
    ])
    const recommended = await qdrant.recommend('old', { positive: [1], negative: [5], limit: 2 })
    expect(recommended.map(({ id }) => id)).not.toContain(1)
    const { points: queried } = await qdrant.query('old', { query: 3, limit: 2 })
    expect(queried.map(({ id }) => id).sort()).toEqual([2, 4])
    await qdrant.discoverPoints('old', { target: [0, 3], context: [{ positive: 2, negative: 5 }], limit: 2 })
  })
})
