//! `explain`: what cannot be asked, and how routes are chosen.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::world::{ISSUER, SEED, World, run, run_with};

#[test]
fn what_is_wrong_with_the_command_line_is_said() {
    let world = World::new("arguments");
    let file = world.configuration(SEED);
    let bob = world.reader("bob");
    let ask = |more: &[&str]| run(&[&["explain", "-f", &file, "--token-file", &bob], more].concat());
    for (arguments, why) in [
        (r#"{"a":"hunter2""#, "`--arguments` is not JSON: line 1, column 14"),
        (r#"["hunter2"]"#, "`--arguments` must be a JSON object"),
        (r#"{"a":1} {"b":"hunter2"}"#, "`--arguments` is not JSON: line 1, column 9"),
    ] {
        ask(&["--tool", "t", "--arguments", arguments]).fails(why).hides("hunter2");
    }
    ask(&["--resource", "r", "--arguments", "{}"]).fails("`--arguments` go with a tool or a prompt");
    ask(&["--method", "tools/call"]).fails("asks for an item: say which with --tool");
    ask(&["--tool", "t", "--method", "prompts/get"]).fails("does not go with a tool: tools/call");
    ask(&["--tool", "t", "--header", "Authorization: Bearer hunter2"])
        .fails("the token comes with --token-file")
        .hides("hunter2");
    ask(&["--tool", "t", "--header", "Host: a"]).fails("the host comes with --host");
    ask(&["--tool", "t", "--path", "mcp"]).fails("--path must begin with `/`");
    ask(&["--tool", "t", "--path", "/mcp/../mcp"])
        .fails("the gateway refuses the request before any route sees it");
    ask(&["--tool", "t", "--host", "a b"]).fails("the gateway refuses the request before any route sees it");
    // These are refused by the parser of the command line, which writes a usage line too.
    for more in [
        &["--tool", "t", "--prompt", "p"][..],
        &["--tool", "t", "--claims-file", "x"],
        &["--arguments", "{}"],
        &["--tool", "t", "--header", "no colon hunter2"],
        &["--tool", "t", "--source", "somewhere"],
    ] {
        let asked = ask(more);
        assert!(asked.code == 2 && asked.out.is_empty(), "{asked:?}");
    }
}

#[test]
fn files_that_are_no_tokens() {
    let world = World::new("files");
    let file = world.configuration(SEED);
    let ask = |path: &str| run(&["explain", "-f", &file, "--token-file", path, "--tool", "t"]);
    ask(&world.path("missing.jwt")).fails("--token-file: cannot read ");
    ask(&world.path("")).fails("--token-file: cannot read ");
    ask(&world.file("empty.jwt", " \n")).fails("--token-file: there is no token");
    ask(&world.file("bearer.jwt", "Bearer hunter2")).fails("the token alone is expected").hides("hunter2");
    ask(&world.file("huge.jwt", &"a".repeat(64 * 1024 + 1))).fails("is longer than 65536 bytes");
    // Long for a token, and short enough for a file: the gateway answers as for any request.
    let asked = ask(&world.file("long.jwt", &format!("a.{}.c", "b".repeat(40 * 1024))));
    asked.ends(1).hides("bbbb").says(&["answer: 401"]);
    let endless = run(&["explain", "-f", &file, "--token-file", "/dev/zero", "--tool", "t"]);
    endless.fails("is longer than 65536 bytes");
    let opaque = world.file("opaque.jwt", "hunter2");
    ask(&opaque).ends(1).hides("hunter2").says(&["answer: 401 not_a_jwt"]);
    run(&["explain", "-f", &file, "--token-file", &opaque, "--danger-unverified", "--tool", "t"])
        .fails("the token is not a JWT")
        .hides("hunter2");
    let claims = |text: &str| run_with(&["explain", "-f", &file, "--claims-file", "-", "--tool", "t"], text);
    claims("hunter2").fails("--claims-file: ").hides("hunter2");
    claims(r#"{"sub":1}"#).fails("claim `sub` must be");
    run(&["explain", "-f", &world.path("none.yaml"), "--tool", "t"]).fails("none.yaml: cannot read the file");
    let bad = world.file("bad.yaml", "binds: [{prot: 1}]");
    run(&["explain", "-f", &bad, "--tool", "t"]).fails("bad.yaml:1:10: unknown field `prot`");
}

#[test]
fn the_route_is_chosen_as_the_gateway_chooses_it() {
    let world = World::new("routes");
    let (a, b) = (world.route("a", "/a", SEED), world.route("b", "/b", SEED));
    let open = "    - backends: [{host: '127.0.0.1:9'}]\n";
    let text = format!(
        "binds:\n- port: 3000\n  listeners:\n  - routes:\n{a}{b}  - hostname: '*.example.org'\n    routes:\n{open}"
    );
    let file = world.file("routes.yaml", &text);
    let bob = world.reader("bob");
    let ask = |more: &[&str]| {
        run(&[&["explain", "-f", &file, "--token-file", &bob, "--tool", "read_record"], more].concat())
    };
    ask(&["--path", "/a"]).ends(0).says(&["route a ("]);
    ask(&["--path", "/b"]).ends(0).says(&["route b (", "POST mcp.example /b"]);
    let named = ask(&["--route", "b"]);
    named.ends(0).says(&["route b ("]);
    assert!(!named.out.contains("note:"), "{named:?}");
    ask(&["--route", "b", "--path", "/a"])
        .ends(0)
        .says(&["route b (", "note: the gateway does not send such a request to this route"]);
    ask(&[]).fails("there are several routes, say which with --route, or with --host and --path");
    let none = ask(&["--path", "/c"]);
    none.fails("no route takes the request, the answer is 404; there are \n  route a (");
    assert!(none.err.contains("route (unnamed) (") && none.err.contains("host *.example.org"), "{none:?}");
    ask(&["--route", "c"]).fails("no route has the name `c`; there are \n  route a (");
    ask(&["--path", "/a", "--host", "x.example.org"])
        .fails("it is open to all, and there is nothing to explain");
    let twice = text.replace("name: b", "name: a");
    let twice = world.file("twice.yaml", &twice);
    run(&["explain", "-f", &twice, "--route", "a", "--tool", "t"]).fails("several routes have the name `a`");
    let two = text.replace("binds:\n", "") + &text.replace("binds:\n", "").replace("3000", "3001");
    let two = world.file("two.yaml", &format!("binds:\n{two}"));
    run(&["explain", "-f", &two, "--path", "/a", "--tool", "t"]).fails("several binds take the request");
}

#[test]
fn keys_are_fetched_and_their_absence_is_no_denial() {
    let world = World::new("keys");
    let bob = world.reader("bob");
    let keys = world.key_set().to_string();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", server.local_addr().unwrap());
    let text = world.route("records", "/mcp", SEED);
    let text =
        text.replace(&format!("{{file: '{}'}}", world.path("jwks.json")), &format!("{{url: '{url}'}}"));
    assert!(text.contains(&url) && text.contains(ISSUER));
    let file = world.file("keys.yaml", &format!("binds:\n- port: 3000\n  listeners:\n  - routes:\n{text}"));
    let ask = || run(&["explain", "-f", &file, "--token-file", &bob, "--tool", "read_record"]);
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut request = [0; 4096];
        assert_ne!(stream.read(&mut request).unwrap(), 0);
        let head = format!("content-type: application/json\r\ncontent-length: {}\r\n", keys.len());
        write!(stream, "HTTP/1.1 200 OK\r\n{head}connection: close\r\n\r\n{keys}").unwrap();
    });
    ask().ends(0).says(&["signature, issuer, audience and times are verified"]);
    serving.join().unwrap();
    // Nobody listens there any more.
    ask().fails("the token cannot be verified, its answer is 503: keys of https://idp.example from ");
    let unverified =
        run(&["explain", "-f", &file, "--token-file", &bob, "--tool", "read_record", "--danger-unverified"]);
    unverified.ends(0).says(&["NOT VERIFIED"]);
}
