// Every page tells the others of this browser for whom it was made. Live pages that were made for another access, as
// before the sign-in on another tab, ask the server anew and reload.

const channel = new BroadcastChannel("kneeline-access");
const mine = document.documentElement.dataset.version;

export function onOtherAccess(act) {
  channel.addEventListener("message", ({ data }) => data !== mine && act());
}

channel.postMessage(mine);
