import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `npm run dev -w console` shows the console with the API of a server that runs already: GODWIT_API, default http://127.0.0.1:7400. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: { target: "es2023", sourcemap: false, chunkSizeWarningLimit: 1500 },
  server: { proxy: { "/api": process.env["GODWIT_API"] ?? "http://127.0.0.1:7400" } },
});
