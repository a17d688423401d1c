/** Spans of the library's calls, made by the tracer of its user. */
import { context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { CallNotes } from '../core/call-notes.js'
import { VicinalError } from '../core/errors.js'
import { type CallTracing, RequestNotes } from '../core/tracing.js'
import { addNoted, timeOf } from './plan-spans.js'

export class TracerOfCalls implements CallTracing {
  readonly #tracer: Tracer

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** The span's parent is the span that is active where the call is made. */
  async run<T>(verb: string, collection: string, work: (notes: CallNotes | null) => Promise<T>): Promise<T> {
    const attributes = { 'db.system.name': 'vicinal', 'db.operation.name': verb, 'vicinal.collection': collection }
    const span = this.#tracer.startSpan(`vicinal.${verb}`, { attributes, startTime: timeOf(performance.now()) })
    const within = trace.setSpan(context.active(), span)
    const notes = span.isRecording() ? new RequestNotes(true, 0) : null
    try {
      return await work(notes)
    } catch (error) {
      noteFailure(span, error)
      throw error
    } finally {
      if (notes) addNoted(this.#tracer, within, notes)
      span.end(timeOf(performance.now()))
    }
  }
}

/** The code alone: a message may name values. */
function noteFailure(span: Span, error: unknown): void {
  const code = error instanceof VicinalError ? error.code : 'INTERNAL'
  span.setAttribute('error.type', code)
  span.setStatus({ code: SpanStatusCode.ERROR })
}
