/** Histories that were made by hand: the checker takes the right ones, and names what is wrong in the others. */
import { expect, test } from 'vitest'
import { ABSENT, type Event, type Look, PRESENT, type Read, type Swap, type Write } from './history.js'
import { Calls } from './history-calls.js'
import { checkAgreement, checkHistory } from './history-check.js'
import type { Answer, NodeProcess } from './node-process.js'

/** Each event takes from its time to half a unit later. */
function write(atMs: number, node: number, state: string, more: Partial<Write> = {}): Write {
  const watermark = more.outcome === undefined || more.outcome === 'done' ? `1.${atMs}` : null
  return {
    kind: 'write',
    unit: 'a',
    outcome: 'done',
    watermark,
    node,
    state,
    startMs: atMs,
    endMs: atMs + 0.5,
    ...more,
  }
}

function read(atMs: number, node: number, seen: string | Record<string, string>, more: Partial<Read> = {}): Read {
  const units = typeof seen === 'string' ? { a: seen } : seen
  return { kind: 'read', node, startMs: atMs, endMs: atMs + 0.5, after: null, scope: null, seen: units, ...more }
}

function swap(atMs: number, node: number, to: number, token: string, more: Partial<Swap> = {}): Swap {
  const call = { node, startMs: atMs, endMs: atMs + 0.5 }
  return { kind: 'swap', register: 'r', to, token, outcome: 'done', watermark: `1.${atMs}`, ...call, ...more }
}

function look(atMs: number, node: number, value: number, token: string, after: string | null = null): Look {
  return { kind: 'look', register: 'r', node, startMs: atMs, endMs: atMs + 0.5, after, value, token }
}

const LONG = { endMs: 9 }
const RIGHT: Record<string, Event[]> = {
  'another node that lags': [write(1, 0, 'v1'), read(2, 1, ABSENT), read(3, 1, 'v1')],
  'a write under way, seen or not': [write(1, 0, 'v1', LONG), read(2, 0, 'v1'), read(2, 1, ABSENT)],
  'an unknown outcome, seen much later or never': [
    write(1, 0, 'v1'),
    write(2, 0, 'v2', { outcome: 'unknown' }),
    read(3, 0, 'v1'),
    read(4, 0, 'v2'),
    read(5, 1, 'v1'),
  ],
  'a refused write that nobody sees': [write(1, 0, 'v1', { outcome: 'refused' }), read(2, 0, ABSENT)],
  'a deleted unit that was written again': [
    write(1, 0, 'v1'),
    write(2, 0, ABSENT),
    read(3, 0, ABSENT),
    write(4, 1, 'v2'),
    read(5, 1, 'v2'),
  ],
  'a count': [write(1, 0, 'v1'), read(2, 0, PRESENT), write(3, 0, 'v2'), read(4, 0, PRESENT)],
  'a scope with units that are not there': [write(1, 0, 'v1'), write(2, 0, ABSENT), read(3, 0, {}, { scope: 'a' })],
  'reads that overlap, the later one answered with less': [
    write(1, 0, 'v1'),
    read(2, 1, 'v1', LONG),
    read(3, 1, ABSENT, LONG),
  ],
  'swaps of two clients, one too late': [
    swap(1, 0, 1, 'x'),
    swap(2, 1, 1, 'y'),
    look(3, 0, 1, 'x'),
    swap(4, 1, 2, 'z', { outcome: 'unknown', watermark: null }),
    look(5, 1, 2, 'z'),
  ],
}

const WRONG: Record<string, [RegExp, Event[]]> = {
  'an acknowledged write that its node does not show': [
    /showed absent .*expected v1/,
    [write(1, 0, 'v1'), read(2, 0, ABSENT)],
  ],
  'a watermark that is not kept by another node': [
    /showed v1 .*expected v2/,
    [write(1, 0, 'v1'), write(2, 0, 'v2'), read(3, 1, 'v1', { after: '1.2' })],
  ],
  'a watermark of a later epoch that is not kept': [
    /showed absent .*expected v1/,
    [write(1, 0, 'v1', { watermark: '1.900' }), read(3, 1, ABSENT, { after: '2.0' })],
  ],
  'a watermark that was there before the write was answered': [
    /showed absent .*expected v1/,
    [write(1, 0, 'v1', LONG), read(2, 1, ABSENT, { after: '1.1' })],
  ],
  'a deleted unit that comes back': [
    /showed v1 .*expected absent/,
    [write(1, 0, 'v1'), write(2, 0, ABSENT), read(3, 0, 'v1')],
  ],
  'a deleted unit that comes back on another node': [
    /showed v1 .*expected absent/,
    [write(1, 0, 'v1'), write(2, 0, ABSENT), read(3, 1, ABSENT, { after: '1.2' }), read(4, 1, 'v1')],
  ],
  'a unit that nobody wrote': [/invented: b/, [write(1, 0, 'v1'), read(2, 0, { b: 'v1' })]],
  'a state that nobody wrote': [/showed v7/, [write(1, 0, 'v1'), read(2, 0, 'v7')]],
  'a state of the future': [/showed v1/, [read(1, 0, 'v1'), write(2, 0, 'v1')]],
  'a refused write that is there': [/showed v1/, [write(1, 0, 'v1', { outcome: 'refused' }), read(2, 1, 'v1')]],
  'a torn unit': [/showed torn/, [write(1, 0, 'v1'), write(2, 0, 'v2'), read(3, 1, 'torn: v1, v1, v2')]],
  'a unit that a scope does not show': [/showed absent/, [write(1, 0, 'v1'), read(2, 0, {}, { scope: 'a' })]],
  'a count of a deleted unit': [/showed present/, [write(1, 0, 'v1'), write(2, 0, ABSENT), read(3, 0, PRESENT)]],
  'a node that goes back': [
    /showed v1 .*expected v2/,
    [write(1, 0, 'v1'), write(2, 0, 'v2'), read(3, 1, 'v2'), read(4, 1, 'v1')],
  ],
  'an unknown outcome that is undone': [
    /showed v1 .*expected v2/,
    [write(1, 0, 'v1'), write(2, 0, 'v2', { outcome: 'unknown' }), read(3, 1, 'v2'), read(4, 1, 'v1')],
  ],
  'a unit that was changed after an unknown outcome': [
    /malformed/,
    [write(1, 0, 'v1', { outcome: 'unknown' }), write(2, 0, 'v2')],
  ],
  'two swaps of one value': [
    /two histories/,
    [swap(1, 0, 1, 'x'), swap(2, 1, 1, 'y'), look(3, 0, 1, 'x'), look(4, 1, 1, 'y')],
  ],
  'a swap that is lost': [/expected at least 1/, [swap(1, 0, 1, 'x'), look(2, 0, 0, '')]],
  'a swap that a watermark does not show': [/expected at least 1/, [swap(1, 0, 1, 'x'), look(2, 1, 0, '', '1.1')]],
  'a register that goes back': [
    /expected at least 2/,
    [swap(1, 0, 1, 'x'), swap(2, 0, 2, 'y'), look(3, 1, 2, 'y'), look(4, 1, 1, 'x')],
  ],
  'a value that nobody swapped in': [/nobody wrote/, [swap(1, 0, 1, 'x'), look(2, 0, 2, 'x')]],
  'a value whose swap was refused': [/nobody wrote/, [swap(1, 0, 1, 'x', { outcome: 'refused' }), look(2, 0, 1, 'x')]],
}

test.each(Object.keys(RIGHT))('right: %s', (name) => {
  checkHistory(RIGHT[name] as Event[])
})

test.each(Object.keys(WRONG))('wrong: %s', (name) => {
  const [message, history] = WRONG[name] as [RegExp, Event[]]
  expect(() => checkHistory(history)).toThrow(message)
})

test('nodes that differ in the end are found, in either direction', () => {
  const both = { a: 'v1', b: 'v2' }
  checkAgreement([read(1, 0, both), read(1, 1, { b: 'v2', a: 'v1' })])
  expect(() => checkAgreement([read(1, 0, both), read(1, 1, { a: 'v1' })])).toThrow(/differ, first at b: v2/)
  expect(() => checkAgreement([read(1, 0, { a: 'v1' }), read(1, 1, both)])).toThrow(/differ, first at b: v2/)
  expect(() => checkAgreement([read(1, 0, both), read(1, 1, { a: 'v1', b: 'v3' })])).toThrow(/b: v3/)
})

test('a write that is under way when the history is checked may be seen', async () => {
  let answer: (answer: Answer) => void = () => {}
  const ask = () =>
    new Promise<Answer>((resolve) => {
      answer = resolve
    })
  const calls = new Calls()
  const slot = { number: 0, process: { ask } as unknown as NodeProcess }
  const writing = calls.write(slot, 'a', 'v1', { method: 'PUT', path: '/' })
  const seen = read(performance.now() + 1, 1, 'v1')
  expect(() => checkHistory([...calls.events, seen])).toThrow('invented')
  checkHistory([...calls.soFar, seen])
  answer({ status: 200, headers: { 'x-vicinal-watermark': '1.1' }, result: null, error: '' })
  expect(await writing).toMatchObject({ outcome: 'done', watermark: '1.1' })
  expect(calls.soFar).toEqual([await writing])
})
