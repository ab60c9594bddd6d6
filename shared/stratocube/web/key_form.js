// Asks for the API key. It stays in this tab (sessionStorage) and is sent to this API only.

import { setApiKey } from "./api.js";

/** Shows the dialog with `message`; resolves when a key was entered. */
export function askForKey(message) {
  const dialog = document.getElementById("key-dialog");
  const input = dialog.querySelector("input");
  dialog.querySelector("[data-message]").textContent = message;
  input.value = "";
  if (!dialog.open) dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const key = input.value.trim();
        input.value = "";
        if (dialog.returnValue !== "use" || !key) return resolve(false);
        setApiKey(key);
        return resolve(true);
      },
      { once: true },
    );
  });
}

/** Calls `work`, asking for a key as often as the API refuses; undefined where nobody gives one. */
export async function withKey(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!error.isKeyMissing) throw error;
      setApiKey("");
      if (!(await askForKey(error.message))) {
        throw new Error("Without a key there is nothing to show. Press “Key” to enter one.");
      }
    }
  }
}
