/** Nodes that answer reads for another one: which of them are asked. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import { QueryNodes } from '../../../src/cluster/query-nodes.js'

const beat = {
  id: 'a',
  url: 'http://127.0.0.1:1',
  roles: ['query'] as const,
  epoch: null,
  opening: null,
  beat: 7,
  lagSeconds: 0,
}

test('a node that was killed before this one started is not asked', () => {
  const nodes = new QueryNodes('key', 60_000, 1_000)
  const forward = () => nodes.forward({} as FastifyRequest, {} as FastifyReply, () => {}, '/')
  nodes.note([{ ...beat, watermark: { epoch: 1, batch: 1 }, ageMs: 120_000 }])
  expect(forward).toThrow(/knows of no node with the role query/)
  // The same heartbeat again makes it no younger.
  nodes.note([{ ...beat, watermark: { epoch: 1, batch: 1 }, ageMs: 150_000 }])
  expect(forward).toThrow(/knows of no node with the role query/)
  nodes.close()
})
