// Live messages from the server: by server-sent events, by polling where those are not to be had, and always again.
//
// Events: "frame", "health", "session", "stance", "cue" with the device's message as detail, and "link" with
// {server: "ok"|"lost", device: "live"|"silent"|"unknown", ageS} whenever that changes and once a second.

import { onOtherAccess } from "./access.js";

const SILENT_AFTER_MS = 3000;
const SERVER_LOST_AFTER_MS = 4000;
const HUNG_AFTER_MS = 10000;
const POLL_MS = 500;
const RETRY_STREAM_MS = 15000;
const STATES = ["frame", "health"];

export class LiveSource extends EventTarget {
  #stream = null;
  #poll = 0;
  #serverAt = 0; // when the server was last heard, performance.now()
  #deviceAt = -Infinity; // what was heard just before the page began is negative
  #heard = false; // whether that server has ever heard the device
  #epochAt = 0; // when a server was first heard: it needs a moment to hear the device
  #epoch = null; // of the server that numbers the events
  #lastSeq = null; // the last event that is known; null: none of this epoch, or not since the connection was lost
  #session = null; // the last that was told of a session
  #began = performance.now();
  #version = document.documentElement.dataset.version;

  start() {
    this.#open();
    setInterval(() => this.#check(), 1000);
    // A hidden page needs no stream; a phone in a pocket must not keep one.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#stop() : this.#open()));
    // A stream holds for who opened it: after a sign-in or sign-out elsewhere another one is needed.
    onOtherAccess(() => !document.hidden && this.#open());
  }

  #open() {
    this.#stop();
    const stream = new EventSource("/api/events");
    this.#stream = stream;
    this.#began = performance.now();
    stream.onmessage = (event) => this.#receive(JSON.parse(event.data));
    stream.onerror = () => {
      // CLOSED: the server answered, but refused: it has enough streams. CONNECTING: the browser tries again by itself.
      if (stream.readyState === EventSource.CLOSED && stream === this.#stream) this.#startPolling();
    };
  }

  #stop() {
    this.#stream?.close();
    this.#stream = null;
    clearInterval(this.#poll);
    this.#poll = 0;
  }

  #startPolling() {
    this.#stop();
    const since = performance.now();
    this.#poll = setInterval(() => {
      if (performance.now() - since > RETRY_STREAM_MS) this.#open();
      else this.#pollOnce();
    }, POLL_MS);
  }

  async #pollOnce() {
    try {
      const answer = await fetch("/api/live", { cache: "no-store", signal: AbortSignal.timeout(3000) });
      if (!answer.ok) return;
      const live = await answer.json();
      this.#receive(live.status);
      if (this.#lastSeq === null) this.#begin(live);
      else for (const event of live.events) this.#receive(event);
      for (const state of STATES) if (live[state]) this.#receive(live[state]);
    } catch {
      // The next poll tries again; #check says that the server is lost.
    }
  }

  // What happened before is no news: the first poll takes only the state, as a stream begins with it.
  #begin({ status, session, events }) {
    this.#lastSeq = events.at(-1)?.seq ?? 0;
    if (session && status.device === "live") this.#receive(session);
  }

  #receive(message) {
    const now = performance.now();
    const lost = now - this.#serverAt > SERVER_LOST_AFTER_MS;
    this.#serverAt = now;
    if (message.type === "status") {
      if (lost || message.epoch !== this.#epoch) this.#lastSeq = null;
      if (message.epoch !== this.#epoch) this.#epochAt = now;
      this.#epoch = message.epoch;
      if (message.version !== this.#version) location.reload();
      this.#heard = message.age_s !== null;
      if (message.device === "silent") this.#deviceAt = -Infinity;
      else if (message.age_s !== null) this.#deviceAt = Math.max(this.#deviceAt, now - 1000 * message.age_s);
      this.#tellLink(message.age_s);
      return;
    }
    if (message.seq !== undefined) {
      if (this.#lastSeq !== null && message.seq <= this.#lastSeq) return;
      this.#lastSeq = message.seq;
    }
    if (message.type === "session") {
      const told = `${message.session_id} ${message.state}`;
      if (told === this.#session) return; // every connection begins with it: only the first time it is news
      this.#session = told;
    }
    if (!this.#poll) this.#deviceAt = now;
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  #check() {
    if (document.hidden) return;
    const quiet = performance.now() - Math.max(this.#serverAt, this.#began);
    if (this.#stream && quiet > HUNG_AFTER_MS) this.#open();
    this.#tellLink(null);
  }

  #tellLink(ageS) {
    const now = performance.now();
    const heard = Math.max(this.#serverAt, this.#began);
    const server = now - heard > SERVER_LOST_AFTER_MS ? "lost" : this.#serverAt ? "ok" : "connecting";
    let device = "unknown";
    if (server === "ok") {
      // Of the device nothing is known but what the server said last: a server that is quiet is no silent device.
      if (this.#serverAt - this.#deviceAt <= SILENT_AFTER_MS) device = "live";
      else if (this.#heard || now - this.#epochAt > SILENT_AFTER_MS) device = "silent";
    }
    this.dispatchEvent(new CustomEvent("link", { detail: { server, device, ageS } }));
  }
}
