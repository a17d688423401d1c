import { CallOptions } from '../core/call-options.js'
import { givenIfAny } from '../core/given-options.js'
import {
  NearDuplicatePairs,
  NeighbourOptions,
  NeighbourPage,
  NeighbourRequest,
  PairsOptions,
  PairsRequest,
  QualityHistory,
  QualityOptions,
  QualityReference,
  QualityReport,
} from '../core/quality.js'
import { read } from '../core/vocabulary/reader.js'
import { encodeRequest } from '../wire/msgpack-request.js'
import { bodyOf, readAs } from './requests.js'
import type { RemoteRequest, Transport } from './transport.js'

/** Quality reports of a collection of a service. */
export class RemoteQuality {
  readonly #transport: Transport
  readonly #path: string

  constructor(transport: Transport, path: string) {
    this.#transport = transport
    this.#path = path
  }

  async report(asked: QualityOptions = {}): Promise<QualityReport> {
    const { signal, timeoutMs, after, ...options } = readAs<QualityOptions>(QualityOptions, asked)
    const call = { ...(signal ? { signal } : {}), ...(timeoutMs ? { timeoutMs } : {}), ...(after ? { after } : {}) }
    const query = new URLSearchParams(
      Object.entries(options).map(([name, value]): [string, string] => [name, `${value}`]),
    )
    return read(QualityReport, await this.#send('GET', `?${query}`, undefined, call), 'wire', 'answer')
  }

  async history(call?: CallOptions): Promise<QualityReport[]> {
    const told = givenIfAny(CallOptions, call)
    return read(QualityHistory, await this.#send('GET', '?history=true', undefined, told), 'wire', 'answer')
  }

  async setReference(reference: QualityReference = {}, call?: CallOptions): Promise<void> {
    const body = bodyOf(QualityReference, readAs<QualityReference>(QualityReference, reference))
    await this.#send('PUT', '/reference', body, givenIfAny(CallOptions, call))
  }

  async deleteReference(call?: CallOptions): Promise<boolean> {
    return (await this.#send('DELETE', '/reference', undefined, givenIfAny(CallOptions, call))) as boolean
  }

  async pairs(asked: PairsOptions): Promise<NearDuplicatePairs> {
    const options = readAs<PairsOptions>(PairsOptions, asked)
    const answer = await this.#send('POST', '/pairs', bodyOf(PairsRequest, options), options)
    return read(NearDuplicatePairs, answer, 'wire', 'answer')
  }

  async neighbours(asked: NeighbourOptions = {}): Promise<NeighbourPage> {
    const options = readAs<NeighbourOptions>(NeighbourOptions, asked)
    const answer = await this.#send('POST', '/neighbours', bodyOf(NeighbourRequest, options), options)
    return read(NeighbourPage, answer, 'wire', 'answer')
  }

  async #send(
    method: RemoteRequest['method'],
    path: string,
    body: object | undefined,
    call: CallOptions,
  ): Promise<unknown> {
    const request = { method, path: this.#path + path, call }
    return await this.#transport.send(body ? { ...request, body: encodeRequest(body) } : request)
  }
}
